using System.Runtime.CompilerServices;
using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>All enclaves. Looking one up yields it locked, or not at all.</summary>
public static class EnclaveTable
{
    private const int RunningShift = 8;

    /// <summary>The entry itself; its holder of the lock, or a reader of one field.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref Enclave At(uint index) => ref Hardware.At<Enclave>(FrameTable.Layout.Enclaves + (index * Enclave.Bytes));

    /// <summary>The state now.</summary>
    public static EnclaveState StateOf(uint index) => StateIn(Hardware.Read(ref At(index).Word));

    /// <summary>VTTBR_EL2 of the enclave's world: VMID = index + 1.</summary>
    public static ulong VttbrOf(uint index) => At(index).Vttbr(index);

    /// <summary>Finds and locks the enclave that a handle names.</summary>
    public static bool TryLock(EnclaveHandle handle, out LockedEnclave enclave)
    {
        enclave = default;
        if (!handle.IsWellFormed || handle.Index >= Constants.MaximumEnclaves)
        {
            return false;
        }

        enclave = Lock(handle.Index);
        if (enclave.State is EnclaveState.Live or EnclaveState.Stopped or EnclaveState.Dead && enclave.Data.Generation == handle.Generation)
        {
            return true;
        }

        enclave.Unlock();
        return false;
    }

    /// <summary>The same, of a live enclave only: Invalid, Stopped, or Success with the lock held.</summary>
    public static Status TryLockLive(EnclaveHandle handle, out LockedEnclave enclave) =>
        !TryLock(handle, out enclave) ? Status.Invalid
        : enclave.State != EnclaveState.Live ? enclave.Unlock(Status.Stopped)
        : Status.Success;

    /// <summary>Locks an enclave that cannot be freed meanwhile: one of its tasks is held.</summary>
    public static LockedEnclave Lock(uint index)
    {
        ref Enclave enclave = ref At(index);
        SpinLock.Acquire(ref enclave.Lock);
        return new LockedEnclave(index, ref enclave);
    }

    /// <summary>Claims a free slot, state Building, with a new generation; the caller is its only user.</summary>
    public static bool TryClaim(out uint index)
    {
        for (index = 0; index < Constants.MaximumEnclaves; index++)
        {
            if (TryMove(index, EnclaveState.Free, EnclaveState.Building))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A task is about to run on this CPU. False if the enclave is not live: it may not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryEnter(ref Enclave enclave)
    {
        while (true)
        {
            uint old = Hardware.Read(ref enclave.Word);
            if (StateIn(old) != EnclaveState.Live)
            {
                return false;
            }

            if (Hardware.CompareExchange(ref enclave.Word, old, old + (1u << RunningShift)) == old)
            {
                return true;
            }
        }
    }

    /// <summary>A task has left this CPU, all its registers are saved.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Leave(ref Enclave enclave)
    {
        uint old;
        do
        {
            old = Hardware.Read(ref enclave.Word);
            if (old >> RunningShift == 0)
            {
                Hardware.Panic("state of an enclave"u8);
            }
        }
        while (Hardware.CompareExchange(ref enclave.Word, old, old - (1u << RunningShift)) != old);
    }

    /// <summary>Lets no task enter any more. Of a live enclave; otherwise nothing changes.</summary>
    public static void Stop(uint index)
    {
        ref uint word = ref At(index).Word;
        uint old;
        do
        {
            old = Hardware.Read(ref word);
        }
        while (StateIn(old) == EnclaveState.Live
            && Hardware.CompareExchange(ref word, old, old - (uint)EnclaveState.Live + (uint)EnclaveState.Stopped) != old);
    }

    /// <summary>Moves a state while no task runs.</summary>
    internal static bool TryMove(uint index, EnclaveState from, EnclaveState to) =>
        Hardware.CompareExchange(ref At(index).Word, (uint)from, (uint)to) == (uint)from;

    private static EnclaveState StateIn(uint word) => (EnclaveState)(word & ((1 << RunningShift) - 1));
}

/// <summary>Proof that the current CPU holds an enclave's lock.</summary>
public readonly ref struct LockedEnclave
{
    private readonly ref Enclave _data;

    internal LockedEnclave(uint index, ref Enclave data)
    {
        Index = index;
        _data = ref data;
    }

    public uint Index { get; }

    public ref Enclave Data => ref _data;

    public EnclaveState State => EnclaveTable.StateOf(Index);

    /// <summary>The PPAS's stage-2.</summary>
    internal StageTwoTree Tree => new(EnclaveTable.VttbrOf(Index), ref _data.Pool, merges: false);

    /// <summary>Unlocks and passes a status on.</summary>
    public Status Unlock(Status status = Status.Success)
    {
        SpinLock.Release(ref _data.Lock);
        return status;
    }
}
