namespace BlackBox.Monitor;

/// <summary>Invariants whose violation is a bug of the monitor itself. Nothing that the OS or a container does may cause one.</summary>
public enum PanicReason
{
    None = 0,
    FrameNotLocked,
    FrameTableRange,
    PoolEmpty,
    EntryInUse,
    EntryLevel,
    LockNotHeld,
    EnclaveState,
    TaskState,
    CpuState,
    Layout,
    Smmu,
}
