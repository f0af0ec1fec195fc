using BlackBox.Abi;

namespace BlackBox.Monitor;

public static partial class OsStageTwo
{
    /// <summary>Boot, after <see cref="FrameTable.Initialise"/>: clears all tables, maps the OS's RAM, the gate page, the audit ring and the evidence.</summary>
    public static void Build()
    {
        ref readonly MonitorLayout layout = ref FrameTable.Layout;
        Hardware.ZeroFrame(layout.OsRecord);
        Hardware.ZeroFrame(layout.OsRoot);
        Hardware.ZeroFrame(layout.OsRoot + FrameNumber.Size);
        ref Record state = ref State;
        Fill(ref state.Pool, layout.OsTables);
        Fill(ref state.Pool, layout.OsTablesBelow);

        StageTwoTree tree = Tree();
        tree.MapLarge(IntermediateAddress.Of(layout.OsRam.First), layout.OsRam, Descriptor.ReadWriteExecute, canSplit: true);
        tree.Map(new IntermediateAddress(AbiConstants.GateIpa), new FrameRange(layout.GateFrame, 1), Descriptor.ReadOnly);
        tree.Map(new IntermediateAddress(AbiConstants.AuditIpa), layout.PublishedFrames, Descriptor.ReadOnly);
    }

    /// <summary>Boot: maps a device range of the allow-list at identity, outside RAM. The layout's deviceTables covers it.</summary>
    public static void MapDevice(FrameRange range, ulong attributes = Descriptor.Device) =>
        Tree().MapLarge(IntermediateAddress.Of(range.First), range, attributes, canSplit: false);

    private static void Fill(ref TablePool pool, FrameRange tables)
    {
        for (ulong i = tables.Count; i > 0; i--)
        {
            PhysicalAddress table = (tables.First + (i - 1)).Address;
            Hardware.ZeroFrame(table);
            pool.Push(table);
        }
    }
}
