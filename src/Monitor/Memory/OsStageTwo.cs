using System.Runtime.InteropServices;

namespace BlackBox.Monitor;

/// <summary>The OS's stage-2 (VMID 0): identity over exactly the frames it owns, the device ranges, and the gate page. What its devices reach
/// changes with it.</summary>
public static partial class OsStageTwo
{
    [StructLayout(LayoutKind.Sequential)]
    private struct Record
    {
        public uint Lock;
        public uint Unused;
        public TablePool Pool;
    }

    /// <summary>Value of VTTBR_EL2 in the OS world.</summary>
    public static ulong Vttbr => FrameTable.Layout.OsRoot.Value;

    private static ref Record State => ref Hardware.At<Record>(FrameTable.Layout.OsRecord);

    /// <summary>Gives the OS access to frames that it owns again.</summary>
    internal static void Map(FrameRange range)
    {
        SpinLock.Acquire(ref State.Lock);
        Tree().Map(IntermediateAddress.Of(range.First), range, Descriptor.ReadWriteExecute);
        DmaTables.Map(range);
        SpinLock.Release(ref State.Lock);
    }

    /// <summary>Takes frames out of the OS's sight on all CPUs, and out of reach of all devices.</summary>
    internal static void Unmap(FrameRange range)
    {
        SpinLock.Acquire(ref State.Lock);
        Tree().Unmap(IntermediateAddress.Of(range.First), range.Count);
        DmaTables.Unmap(range);
        SpinLock.Release(ref State.Lock);
    }

    /// <summary>For the abort handler: true if the access is allowed by now (a block was being split or merged): retry it.</summary>
    public static bool ShouldRetry(IntermediateAddress address, bool isWrite, bool isExecute)
    {
        SpinLock.Acquire(ref State.Lock);
        bool allows = Tree().Allows(address, isWrite, isExecute);
        SpinLock.Release(ref State.Lock);
        return allows;
    }

    /// <summary>Brings <see cref="Smmu"/>'s counters up to date.</summary>
    internal static void TakeDmaEvents()
    {
        if (DmaTables.IsOn)
        {
            SpinLock.Acquire(ref State.Lock);
            Smmu.TakeEvents();
            SpinLock.Release(ref State.Lock);
        }
    }

    /// <summary>The tree, for the holder of the lock or boot code.</summary>
    internal static StageTwoTree Tree() => new(Vttbr, ref State.Pool, merges: true);
}
