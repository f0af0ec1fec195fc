using System.Runtime.InteropServices;
using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>The OS's stage-2 (VMID 0): identity over exactly the frames it owns, the device ranges, and the gate page.</summary>
public static class OsStageTwo
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

    private static ref Record State => ref MemoryMarshal.AsRef<Record>(Hardware.Bytes(FrameTable.Layout.OsRecord, (int)FrameNumber.Size));

    /// <summary>Boot, after <see cref="FrameTable.Initialise"/>: clears all tables, maps the OS's RAM and the gate page.</summary>
    public static void Build()
    {
        ref readonly MonitorLayout layout = ref FrameTable.Layout;
        Hardware.ZeroFrame(layout.OsRecord);
        Hardware.ZeroFrame(layout.OsRoot);
        Hardware.ZeroFrame(layout.OsRoot + FrameNumber.Size);
        ref Record state = ref State;
        for (ulong i = layout.OsTables.Count; i > 0; i--)
        {
            PhysicalAddress table = (layout.OsTables.First + (i - 1)).Address;
            Hardware.ZeroFrame(table);
            state.Pool.Push(table);
        }

        StageTwoTree tree = Tree();
        tree.MapLarge(IntermediateAddress.Of(layout.OsRam.First), layout.OsRam, Descriptor.ReadWriteExecute);
        tree.Map(new IntermediateAddress(AbiConstants.GateIpa), new FrameRange(layout.GateFrame, 1), Descriptor.ReadOnly);
    }

    /// <summary>Boot: maps a device range of the allow-list at identity, outside RAM. The layout's deviceTables covers it.</summary>
    public static void MapDevice(FrameRange range) => Tree().MapLarge(IntermediateAddress.Of(range.First), range, Descriptor.Device);

    /// <summary>Gives the OS access to frames that it owns again.</summary>
    internal static void Map(FrameRange range)
    {
        SpinLock.Acquire(FrameTable.Layout.OsRecord);
        Tree().Map(IntermediateAddress.Of(range.First), range, Descriptor.ReadWriteExecute);
        SpinLock.Release(FrameTable.Layout.OsRecord);
    }

    /// <summary>Takes frames out of the OS's sight on all CPUs.</summary>
    internal static void Unmap(FrameRange range)
    {
        SpinLock.Acquire(FrameTable.Layout.OsRecord);
        Tree().Unmap(IntermediateAddress.Of(range.First), range.Count);
        SpinLock.Release(FrameTable.Layout.OsRecord);
    }

    /// <summary>For the abort handler: true if the access is allowed by now (a block was being split or merged): retry it.</summary>
    public static bool ShouldRetry(IntermediateAddress address, bool isWrite, bool isExecute)
    {
        SpinLock.Acquire(FrameTable.Layout.OsRecord);
        bool allows = Tree().Allows(address, isWrite, isExecute);
        SpinLock.Release(FrameTable.Layout.OsRecord);
        return allows;
    }

    /// <summary>The tree, for the holder of the lock or boot code.</summary>
    internal static StageTwoTree Tree() => new(Vttbr, ref State.Pool, merges: true);
}
