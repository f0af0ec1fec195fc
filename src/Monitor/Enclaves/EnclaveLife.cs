using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>Creation and end of enclaves.</summary>
public static class EnclaveLife
{
    /// <summary>Makes a PPAS: root and tables, the shield's memory (Private at once), the shield's image.</summary>
    /// <param name="root">two OS frames, 8 KiB aligned</param>
    /// <param name="memory">OS frames, a power of two of them, aligned to their size</param>
    /// <param name="tables">OS frames</param>
    public static Status Create(FrameRange root, FrameRange memory, FrameRange tables, out EnclaveHandle handle)
    {
        handle = default;
        if (root.Overlaps(memory) || root.Overlaps(tables) || memory.Overlaps(tables))
        {
            return Status.Invalid;
        }

        if (!MonitorEntropy.IsSeeded)
        {
            return Status.NotSeeded;
        }

        if (!EnclaveTable.TryClaim(out uint index))
        {
            return Status.NoResource;
        }

        LockedEnclave enclave = EnclaveTable.Lock(index);
        Status status = TryLockAll(root, memory, tables, out LockedFrames rootFrames, out LockedFrames memoryFrames, out LockedFrames tableFrames);
        if (status != Status.Success)
        {
            Move(index, EnclaveState.Building, EnclaveState.Free);
            return enclave.Unlock(status);
        }

        ref Enclave data = ref enclave.Data;
        data.Generation = NextGeneration(data.Generation);
        data.BootTicket = 1;
        data.Opened = 0;
        data.Report = default;
        data.Root = root.First.Address;
        data.Pool = default;
        data.MemoryBase = memory.First.Address;
        data.MemoryFrames = memory.Count;
        data.OwnedFrames = (uint)memory.Count;
        data.TableFrames = (uint)root.Count;
        EnclaveMemory.TakeZeroed(rootFrames);
        rootFrames.Publish(FrameWord.Of(FrameState.Table, index));
        EnclaveMemory.TakeTables(enclave, tableFrames);
        OsStageTwo.Unmap(memory);
        enclave.Tree.Map(IntermediateAddress.Of(memory.First), memory, Descriptor.ReadWriteExecute);
        memoryFrames.Publish(FrameWord.Of(FrameState.Private, index));
        FrameRange image = FrameTable.Layout.ShieldImage;
        enclave.Tree.Map(IntermediateAddress.Of(image.First), image, Descriptor.ReadExecute);
        // Whatever CPUs cached for an earlier enclave of this VMID was invalidated when that one died.
        Move(index, EnclaveState.Building, EnclaveState.Live);
        handle = EnclaveHandle.Make(index, data.Generation);
        return enclave.Unlock();
    }

    /// <summary>First call stops the enclave; once no task runs it is dead; with all frames given back its slot is free.</summary>
    public static Status Destroy(EnclaveHandle handle, out ulong remaining)
    {
        remaining = 0;
        if (!EnclaveTable.TryLock(handle, out LockedEnclave enclave))
        {
            return Status.Invalid;
        }

        EnclaveTable.Stop(enclave.Index);
        TryBury(enclave);
        remaining = enclave.Data.Remaining;
        if (enclave.State != EnclaveState.Dead)
        {
            return enclave.Unlock(Status.Busy);
        }

        if (remaining != 0)
        {
            return enclave.Unlock(Status.Again);
        }

        Move(enclave.Index, EnclaveState.Dead, EnclaveState.Free);
        return enclave.Unlock();
    }

    /// <summary>Makes a stopped enclave dead if none of its tasks runs on a CPU.</summary>
    internal static void TryBury(LockedEnclave enclave)
    {
        if (EnclaveTable.TryMove(enclave.Index, EnclaveState.Stopped, EnclaveState.Dead))
        {
            // From here on nobody loads this root: its tables are only memory.
            Hardware.InvalidateVmid(EnclaveTable.VttbrOf(enclave.Index));
            Hardware.DataBarrier();
        }
    }

    private static void Move(uint index, EnclaveState from, EnclaveState to)
    {
        if (!EnclaveTable.TryMove(index, from, to))
        {
            Hardware.Panic("state of an enclave"u8);
        }
    }

    // All of the three ranges locked, or none.
    private static Status TryLockAll(FrameRange root, FrameRange memory, FrameRange tables,
        out LockedFrames rootFrames, out LockedFrames memoryFrames, out LockedFrames tableFrames)
    {
        memoryFrames = default;
        tableFrames = default;
        Status status = FrameTable.TryLock(root, FrameExpectation.Os, out rootFrames);
        if (status == Status.Success)
        {
            status = FrameTable.TryLock(memory, FrameExpectation.Os, out memoryFrames);
        }

        if (status == Status.Success)
        {
            status = FrameTable.TryLock(tables, FrameExpectation.Os, out tableFrames);
        }

        if (status == Status.Success && tables.Count < TablesNeeded(memory))
        {
            status = Status.NeedTables;
        }

        if (status != Status.Success)
        {
            rootFrames.Release();
            memoryFrames.Release();
            tableFrames.Release();
        }

        return status;
    }

    // Upper bound for an empty root: memory is inside one block (aligned to its size, at most 512 frames), the image is at most 512 frames.
    private static ulong TablesNeeded(FrameRange memory)
    {
        FrameRange image = FrameTable.Layout.ShieldImage;
        ulong blocks = image.IsInOneBlock ? 1u : 2u;
        return (memory.Count == 0 ? 0u : 2u) + (2 * blocks);
    }

    private static uint NextGeneration(uint generation) => generation == uint.MaxValue ? 1 : generation + 1;
}
