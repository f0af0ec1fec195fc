using BlackBox.Abi;
using BlackBox.Simulation;
using Xunit;
using static BlackBox.Monitor.Tests.TestBed;

namespace BlackBox.Monitor.Tests;

/// <summary>The checker of the page-table protocol catches what it is there for: each "bad" case is one mistake that a
/// monitor could make.</summary>
public sealed class ProtocolTests
{
    private readonly TestBed _bed = new();
    private readonly PhysicalAddress _table;
    private readonly ulong _pages;

    public ProtocolTests()
    {
        // A level 3 table in the OS's tree: the block at BlockTwo, split by a grant of its second frame.
        ulong enclave = _bed.CreateEnclave();
        Assert.Equal(Status.Success, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockTwo + 1), 1));
        ulong upper = _bed.Machine.PeekLong(OsStageTwo.Vttbr + ((F(0) >> 30) * 8)) & ~0xfffUL;
        _table = new PhysicalAddress(upper);
        _pages = _bed.Machine.PeekLong(upper + (Index(BlockTwo) * 8)) & 0xffff_ffff_f000;
    }

    private PhysicalAddress Pages => new(_pages);

    [Fact]
    public void Good_break_before_make()
    {
        Break(Pages, 0);
        Hardware.DataBarrierStores();
        Hardware.InvalidateStageTwo(OsStageTwo.Vttbr, Ipa(BlockTwo), 1);
        Hardware.DataBarrier();
        Hardware.WriteEntry(Pages, 0, Page(BlockTwo));
        Invariants.Check(_bed.System);
    }

    [Fact]
    public void Bad_change_without_break() => Caught("without break", () => Hardware.WriteEntry(Pages, 0, Page(BlockTwo) & ~0x80UL));

    [Fact]
    public void Bad_make_without_invalidation() => Caught("before its invalidation", () =>
    {
        Break(Pages, 0);
        Hardware.DataBarrier();
        Hardware.WriteEntry(Pages, 0, Page(BlockTwo));
    });

    [Fact]
    public void Bad_invalidation_not_completed() => Caught("before its invalidation", () =>
    {
        Break(Pages, 0);
        Hardware.DataBarrierStores();
        Hardware.InvalidateStageTwo(OsStageTwo.Vttbr, Ipa(BlockTwo), 1);
        Hardware.WriteEntry(Pages, 0, Page(BlockTwo));
    });

    [Fact]
    public void Bad_store_not_ordered_before_the_invalidation() => Caught("before its invalidation", () =>
    {
        Break(Pages, 0);
        Hardware.InvalidateStageTwo(OsStageTwo.Vttbr, Ipa(BlockTwo), 1);
        Hardware.DataBarrier();
        Hardware.WriteEntry(Pages, 0, Page(BlockTwo));
    });

    [Fact]
    public void Bad_invalidation_of_another_vmid() => Caught("before its invalidation", () =>
    {
        Break(Pages, 0);
        Hardware.DataBarrierStores();
        Hardware.InvalidateStageTwo(EnclaveTable.VttbrOf(0), Ipa(BlockTwo), 1);
        Hardware.DataBarrier();
        Hardware.WriteEntry(Pages, 0, Page(BlockTwo));
    });

    [Fact]
    public void Bad_invalidation_of_another_address() => Caught("before its invalidation", () =>
    {
        Break(Pages, 0);
        Hardware.DataBarrierStores();
        Hardware.InvalidateStageTwo(OsStageTwo.Vttbr, Ipa(BlockTwo + 1), 1);
        Hardware.DataBarrier();
        Hardware.WriteEntry(Pages, 0, Page(BlockTwo));
    });

    [Fact]
    public void Bad_barrier_of_another_cpu() => Caught("before its invalidation", () =>
    {
        Break(Pages, 0);
        Hardware.DataBarrierStores();
        Hardware.InvalidateStageTwo(OsStageTwo.Vttbr, Ipa(BlockTwo), 1);
        SimulatedMachine.Cpu = 1;
        Hardware.DataBarrier();
        SimulatedMachine.Cpu = 0;
        Hardware.WriteEntry(Pages, 0, Page(BlockTwo));
    });

    [Fact]
    public void Bad_table_reused_before_the_invalidation() => Caught("reused", () =>
    {
        Break(_table, (int)Index(BlockTwo));
        Hardware.ZeroFrame(Pages);
    });

    [Fact]
    public void Bad_new_table_not_ordered_before_its_link() => Caught("before its contents", () =>
    {
        PhysicalAddress fresh = (FrameTable.Layout.OsTables.End + ulong.MaxValue).Address;
        Hardware.ZeroFrame(fresh);
        Hardware.WriteEntry(new PhysicalAddress(OsStageTwo.Vttbr), 300, fresh.Value | 3);
    });

    [Fact]
    public void Bad_live_table_written_as_memory() => Caught("written as memory", () => Hardware.ZeroFrame(Pages));

    [Fact]
    public void Bad_frame_given_back_unscrubbed() => Caught("not scrubbed", () =>
    {
        _bed.Machine.Scribble(F(BlockTwo + 1), 1);
        Hardware.WriteEntry(Pages, 1, Page(BlockTwo + 1));
    });

    [Fact]
    public void Bad_frame_zeroed_in_the_cache_only() => Caught("not scrubbed", () =>
    {
        _bed.Machine.Scribble(F(BlockTwo + 1), 0);
        Hardware.WriteEntry(Pages, 1, Page(BlockTwo + 1));
    });

    [Fact]
    public void Bad_scrub_of_a_frame_that_an_enclave_maps() => Caught("scrubbed while it is mapped", () => Hardware.ZeroFrame(new PhysicalAddress(F(BlockTwo + 1))));

    [Fact]
    public void Bad_scrub_before_the_invalidation() => Caught("scrubbed while a CPU may still write", () =>
    {
        Break(Pages, 0);
        Hardware.ZeroFrame(new PhysicalAddress(F(BlockTwo)));
    });

    [Fact]
    public void Bad_owner_changed_before_the_invalidation() => Caught("becomes Context while a CPU may still hold", () =>
    {
        var range = new FrameRange(new PhysicalAddress(F(BlockTwo)).Frame, 1);
        FrameTable.TryLock(range, FrameExpectation.Os, out LockedFrames frames);
        Break(Pages, 0);
        frames.Publish(FrameWord.Of(FrameState.Context, 0));
    });

    [Fact]
    public void Bad_frame_of_an_enclave_mapped_for_the_os() => Caught("mapped for VMID 0 while another", () =>
    {
        Hardware.WriteEntry(Pages, 1, Page(BlockTwo + 1));
        Invariants.Check(_bed.System);
    });

    [Fact]
    public void Bad_owner_changed_with_a_stale_translation() => Caught("while a CPU may still reach it", () =>
    {
        // A grant that forgets the OS's TLB: unmapped, and given away at once.
        var range = new FrameRange(new PhysicalAddress(F(BlockTwo)).Frame, 1);
        FrameTable.TryLock(range, FrameExpectation.Os, out LockedFrames frames);
        Break(Pages, 0);
        LockedEnclave enclave = EnclaveTable.Lock(0);
        enclave.Tree.Map(IntermediateAddress.Of(range.First), range, Descriptor.ReadWriteExecute);
        enclave.Data.OwnedFrames++;
        frames.Publish(FrameWord.Of(FrameState.Granted, 0));
        enclave.Unlock();
        Invariants.Check(_bed.System);
    });

    [Fact]
    public void Bad_break_never_invalidated() => Caught("never invalidated", () =>
    {
        Break(Pages, 0);
        Invariants.Check(_bed.System);
    });

    private static void Break(PhysicalAddress table, int index) => Hardware.WriteEntry(table, index, 0);

    private static ulong Index(ulong frame) => (F(frame) >> 21) & 511;

    private static IntermediateAddress Ipa(ulong frame) => new(F(frame));

    private static ulong Page(ulong frame) => Descriptor.Page(new PhysicalAddress(F(frame)), Descriptor.ReadWriteExecute).Value;

    private static void Caught(string pattern, Action action)
    {
        SimulatedMachine.Cpu = 0;
        Exception? exception = Record.Exception(action);
        Assert.NotNull(exception);
        Assert.Matches(pattern, exception.Message);
    }
}
