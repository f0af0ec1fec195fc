using System.Runtime.InteropServices;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>Life of an enclave.</summary>
public enum EnclaveState : uint
{
    /// <summary>The slot is free.</summary>
    Free = 0,

    /// <summary>Claimed by a CPU that is creating it.</summary>
    Building = 1,

    /// <summary>Tasks may enter, memory may come and go.</summary>
    Live = 2,

    /// <summary>No task enters any more; some may still run on a CPU.</summary>
    Stopped = 3,

    /// <summary>No task runs, no CPU holds a translation, nobody uses the tables: every frame may be reclaimed.</summary>
    Dead = 4,
}

/// <summary>Entry of the enclave table. <see cref="Word"/> is changed by compare-and-exchange, everything else under <see cref="Lock"/>.</summary>
[StructLayout(LayoutKind.Explicit, Size = (int)Bytes)]
public struct Enclave
{
    public const uint Bytes = 128;

    /// <summary><see cref="EnclaveState"/> in bits 0-7, number of tasks that are running on a CPU from bit 8 on: one word, so that
    /// "stopped and nobody inside" is one atomic fact.</summary>
    [FieldOffset(0)] public uint Word;
    [FieldOffset(4)] public uint Lock;
    [FieldOffset(8)] public uint Generation;

    /// <summary>1 until the first task was started.</summary>
    [FieldOffset(12)] public uint BootTicket;
    [FieldOffset(16)] public PhysicalAddress Root;
    [FieldOffset(24)] public TablePool Pool;

    /// <summary>The shield's data, given at creation: base in bytes, number of frames.</summary>
    [FieldOffset(40)] public PhysicalAddress MemoryBase;
    [FieldOffset(48)] public ulong MemoryFrames;

    /// <summary>Frames in states Granted, Private, Released.</summary>
    [FieldOffset(56)] public uint OwnedFrames;

    /// <summary>Frames in state Table, the root included.</summary>
    [FieldOffset(60)] public uint TableFrames;

    /// <summary>Frames in state Lent.</summary>
    [FieldOffset(64)] public uint LentFrames;

    /// <summary>Task slots, each with one frame in state Context.</summary>
    [FieldOffset(68)] public uint Tasks;

    /// <summary>1 from UnwrapKey on, which succeeds once; changed by compare-and-exchange.</summary>
    [FieldOffset(72)] public uint Opened;

    /// <summary>SHA-256 of what its shield says of its container, zeros before UnwrapKey; it never changes again.</summary>
    [FieldOffset(80)] public Sha256Digest Report;

    /// <summary>VTTBR_EL2 of its world, given its index: VMID = index + 1.</summary>
    public readonly ulong Vttbr(uint index) => Root.Value | ((ulong)(index + 1) << 48);

    /// <summary>Frames that the OS has not got back.</summary>
    public readonly ulong Remaining => (ulong)OwnedFrames + TableFrames + LentFrames + Tasks;
}
