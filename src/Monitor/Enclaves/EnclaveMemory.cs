using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>Transitions of frames between the OS and a PPAS. Each one: lock the enclave, lock the frames in the state they must be in,
/// check tables; from there on nothing fails: unmap, complete the TLB maintenance, scrub, map, publish (invariant 3).</summary>
public static class EnclaveMemory
{
    /// <summary>Os → Granted. The range does not cross a 2 MiB boundary.</summary>
    public static Status Grant(EnclaveHandle handle, FrameRange range)
    {
        Status status = TryBegin(handle, range, FrameExpectation.Os, IntermediateAddress.Of(range.First), out LockedEnclave enclave, out LockedFrames frames);
        if (status != Status.Success)
        {
            return status;
        }

        OsStageTwo.Unmap(range);
        enclave.Tree.Map(IntermediateAddress.Of(range.First), range, Descriptor.ReadWriteExecute);
        enclave.Data.OwnedFrames += (uint)range.Count;
        frames.Publish(FrameWord.Of(FrameState.Granted, enclave.Index));
        return enclave.Unlock();
    }

    /// <summary>Os → Lent: the frames stay the OS's, the PPAS sees them at PA | LentBit, read-write, execute-never.</summary>
    public static Status Share(EnclaveHandle handle, FrameRange range)
    {
        Status status = TryBegin(handle, range, FrameExpectation.Os, IntermediateAddress.OfLent(range.First), out LockedEnclave enclave, out LockedFrames frames);
        if (status != Status.Success)
        {
            return status;
        }

        enclave.Tree.Map(IntermediateAddress.OfLent(range.First), range, Descriptor.ReadWrite);
        enclave.Data.LentFrames += (uint)range.Count;
        frames.Publish(FrameWord.Of(FrameState.Lent, enclave.Index));
        return enclave.Unlock();
    }

    /// <summary>Lent → Os. Denied for the buffer of a task.</summary>
    public static Status Unshare(EnclaveHandle handle, FrameRange range)
    {
        if (!EnclaveTable.TryLock(handle, out LockedEnclave enclave))
        {
            return Status.Invalid;
        }

        Status status = FrameTable.TryLock(range, FrameExpectation.Of(FrameState.Lent, enclave.Index), out LockedFrames frames);
        if (status != Status.Success)
        {
            return enclave.Unlock(status);
        }

        if (enclave.State != EnclaveState.Dead)
        {
            enclave.Tree.Unmap(IntermediateAddress.OfLent(range.First), range.Count);
        }

        enclave.Data.LentFrames -= (uint)range.Count;
        frames.Publish(FrameWord.Os);
        return enclave.Unlock();
    }

    /// <summary>Os → Table: frames for the PPAS's stage-2.</summary>
    public static Status DonateTables(EnclaveHandle handle, FrameRange range)
    {
        Status status = EnclaveTable.TryLockLive(handle, out LockedEnclave enclave);
        if (status != Status.Success)
        {
            return status;
        }

        status = FrameTable.TryLock(range, FrameExpectation.Os, out LockedFrames frames);
        if (status == Status.Success)
        {
            TakeTables(enclave, frames);
        }

        return enclave.Unlock(status);
    }

    /// <summary>Granted → Private, for the shield.</summary>
    public static Status Accept(uint index, FrameRange range)
    {
        Status status = FrameTable.TryLock(range, FrameExpectation.Of(FrameState.Granted, index), out LockedFrames frames);
        if (status == Status.Success)
        {
            frames.Publish(FrameWord.Of(FrameState.Private, index));
        }

        return status;
    }

    /// <summary>Private → Released, for the shield. A block that has to be split finds the table frame promised to it.</summary>
    public static Status Release(uint index, FrameRange range)
    {
        LockedEnclave enclave = EnclaveTable.Lock(index);
        Status status = FrameTable.TryLock(range, FrameExpectation.Of(FrameState.Private, index), out LockedFrames frames);
        if (status != Status.Success)
        {
            return enclave.Unlock(status);
        }

        enclave.Tree.Unmap(IntermediateAddress.Of(range.First), range.Count);
        frames.Publish(FrameWord.Of(FrameState.Released, index));
        return enclave.Unlock();
    }

    /// <summary>Granted or Released → Os, of a dead enclave also Private and Table; scrubbed. Works in slices: Again, with the number of
    /// frames done, when an interrupt is pending.</summary>
    public static Status Reclaim(EnclaveHandle handle, FrameRange range, out ulong done)
    {
        done = 0;
        if (!EnclaveTable.TryLock(handle, out LockedEnclave enclave))
        {
            return Status.Invalid;
        }

        EnclaveLife.TryBury(enclave);
        EnclaveState state = enclave.State;
        bool isDead = state == EnclaveState.Dead;
        FrameExpectation expected = isDead ? FrameExpectation.ReclaimableDead(enclave.Index) : FrameExpectation.Reclaimable(enclave.Index);
        if (!FrameTable.Accepts(range, expected))
        {
            bool isTooEarly = state == EnclaveState.Stopped && FrameTable.Accepts(range, FrameExpectation.ReclaimableDead(enclave.Index));
            return enclave.Unlock(isTooEarly ? Status.Busy : Status.Denied);
        }

        while (true)
        {
            ulong left = range.Count - done;
            FrameRange slice = range.Slice(done, left < Constants.ScrubSlice ? left : Constants.ScrubSlice);
            Status status = FrameTable.TryLock(slice, expected, out LockedFrames frames);
            if (status != Status.Success)
            {
                return enclave.Unlock(done == 0 ? status : Status.Again);
            }

            if (!isDead)
            {
                enclave.Tree.Unmap(IntermediateAddress.Of(slice.First), slice.Count);
            }

            uint tables = CountTables(frames);
            enclave.Data.TableFrames -= tables;
            enclave.Data.OwnedFrames -= (uint)slice.Count - tables;
            GiveBack(frames);
            done += slice.Count;
            if (done == range.Count)
            {
                return enclave.Unlock();
            }

            if (Hardware.InterruptPending)
            {
                return enclave.Unlock(Status.Again);
            }
        }
    }

    /// <summary>For the abort handler: true if the container's access is allowed by now (a block was being split): retry it.</summary>
    public static bool ShouldRetry(uint index, IntermediateAddress address, bool isWrite, bool isExecute)
    {
        LockedEnclave enclave = EnclaveTable.Lock(index);
        bool allows = enclave.Tree.Allows(address, isWrite, isExecute);
        enclave.Unlock();
        return allows;
    }

    /// <summary>Takes locked OS frames away from the OS and zeroes them: tables, contexts.</summary>
    internal static void TakeZeroed(LockedFrames frames)
    {
        OsStageTwo.Unmap(frames.Range);
        for (ulong i = 0; i < frames.Range.Count; i++)
        {
            Hardware.ZeroFrame((frames.Range.First + i).Address);
        }

        Hardware.DataBarrierStores();
    }

    /// <summary>Makes locked OS frames table frames of the enclave.</summary>
    internal static void TakeTables(LockedEnclave enclave, LockedFrames frames)
    {
        TakeZeroed(frames);
        for (ulong i = frames.Range.Count; i > 0; i--)
        {
            enclave.Data.Pool.Push((frames.Range.First + (i - 1)).Address);
        }

        enclave.Data.TableFrames += (uint)frames.Range.Count;
        frames.Publish(FrameWord.Of(FrameState.Table, enclave.Index));
    }

    /// <summary>Scrubs locked frames that are mapped nowhere, and gives them to the OS.</summary>
    internal static void GiveBack(LockedFrames frames)
    {
        for (ulong i = 0; i < frames.Range.Count; i++)
        {
            PhysicalAddress frame = (frames.Range.First + i).Address;
            Hardware.ZeroFrame(frame);
            Hardware.CleanInvalidateFrame(frame);
        }

        Hardware.DataBarrier();
        CpuCounters.Current.ScrubbedBytes += frames.Range.Count << FrameNumber.Shift;
        CpuCounters.Current.CacheOperations += 2 * frames.Range.Count;
        OsStageTwo.Map(frames.Range);
        frames.Publish(FrameWord.Os);
    }

    // Lock and check all that grant and share need; on Success nothing may fail any more.
    private static Status TryBegin(EnclaveHandle handle, FrameRange range, FrameExpectation expected, IntermediateAddress at,
        out LockedEnclave enclave, out LockedFrames frames)
    {
        frames = default;
        Status status = EnclaveTable.TryLockLive(handle, out enclave);
        if (status != Status.Success)
        {
            return status;
        }

        status = FrameTable.TryLock(range, expected, out frames);
        if (status != Status.Success)
        {
            return enclave.Unlock(status);
        }

        if (!enclave.Data.Pool.HasSpare(enclave.Tree.TablesNeeded(at, range.Count)))
        {
            frames.Release();
            return enclave.Unlock(Status.NeedTables);
        }

        return Status.Success;
    }

    private static uint CountTables(LockedFrames frames)
    {
        uint count = 0;
        for (ulong i = 0; i < frames.Range.Count; i++)
        {
            count += frames[i].State == FrameState.Table ? 1u : 0u;
        }

        return count;
    }
}
