using System.Runtime.InteropServices;
using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>All enclaves. Looking one up yields it locked, or not at all.</summary>
public static class EnclaveTable
{
    private const int RunningShift = 8;

    /// <summary>The entry itself; its holder of the lock, or a reader of one field.</summary>
    public static ref Enclave At(uint index) => ref MemoryMarshal.AsRef<Enclave>(Hardware.Bytes(AddressOf(index), (int)Enclave.Bytes));

    /// <summary>The state now.</summary>
    public static EnclaveState StateOf(uint index) => StateIn(Hardware.ReadWord(AddressOf(index)));

    /// <summary>Tasks of the enclave on a CPU now.</summary>
    public static uint RunningOf(uint index) => Hardware.ReadWord(AddressOf(index)) >> RunningShift;

    /// <summary>VTTBR_EL2 of the enclave's world: VMID = index + 1.</summary>
    public static ulong VttbrOf(uint index) => At(index).Root.Value | ((ulong)(index + 1) << 48);

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

    /// <summary>Locks an enclave that cannot be freed meanwhile: one of its tasks is held.</summary>
    public static LockedEnclave Lock(uint index)
    {
        SpinLock.Acquire(AddressOf(index) + Enclave.LockOffset);
        return new LockedEnclave(index, ref At(index));
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
    public static bool TryEnter(uint index)
    {
        PhysicalAddress word = AddressOf(index);
        while (true)
        {
            uint old = Hardware.ReadWord(word);
            if (StateIn(old) != EnclaveState.Live)
            {
                return false;
            }

            if (Hardware.CompareExchange(word, old, old + (1u << RunningShift)) == old)
            {
                return true;
            }
        }
    }

    /// <summary>A task has left this CPU, all its registers are saved.</summary>
    public static void Leave(uint index)
    {
        PhysicalAddress word = AddressOf(index);
        uint old;
        do
        {
            old = Hardware.ReadWord(word);
            if (old >> RunningShift == 0)
            {
                Hardware.Panic(PanicReason.EnclaveState);
            }
        }
        while (Hardware.CompareExchange(word, old, old - (1u << RunningShift)) != old);
    }

    /// <summary>Lets no task enter any more. Of a live enclave; otherwise nothing changes.</summary>
    public static void Stop(uint index)
    {
        PhysicalAddress word = AddressOf(index);
        uint old = Hardware.ReadWord(word);
        while (StateIn(old) == EnclaveState.Live)
        {
            uint seen = Hardware.CompareExchange(word, old, old - (uint)EnclaveState.Live + (uint)EnclaveState.Stopped);
            if (seen == old)
            {
                return;
            }

            old = seen;
        }
    }

    /// <summary>Moves a state while no task runs.</summary>
    internal static bool TryMove(uint index, EnclaveState from, EnclaveState to) =>
        Hardware.CompareExchange(AddressOf(index), (uint)from, (uint)to) == (uint)from;

    internal static PhysicalAddress AddressOf(uint index) => FrameTable.Layout.Enclaves + (index * Enclave.Bytes);

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
        SpinLock.Release(EnclaveTable.AddressOf(Index) + Enclave.LockOffset);
        return status;
    }
}
