using BlackBox.Abi;
using BlackBox.Simulation;
using Xunit;
using static BlackBox.Monitor.Tests.TestBed;

namespace BlackBox.Monitor.Tests;

/// <summary>By example: every hypercall about memory.</summary>
public sealed class MemoryTests
{
    private readonly TestBed _bed = new();

    [Fact]
    public void The_booted_machine_holds_the_invariants() => Invariants.Check(_bed.System);

    [Fact]
    public void Create_makes_memory_private_and_maps_the_image()
    {
        ulong handle = _bed.CreateEnclave();
        Assert.Equal(FrameState.Private, Word(0).State);
        Assert.Equal(FrameState.Table, Word(512).State);
        Assert.Equal(FrameState.Table, Word(535).State);
        Assert.Equal(FrameState.Os, Word(536).State);
        Assert.Equal(1UL << 16, handle);
        Assert.False(_bed.IsCached(0, F(0)));
    }

    [Theory]
    [InlineData(513, 0, 256, 520, 16)] // root not 8 KiB aligned
    [InlineData(512, 1, 256, 520, 16)] // memory not aligned to its size
    [InlineData(512, 0, 128, 520, 16)] // too small
    [InlineData(512, 0, 300, 520, 16)] // no power of two
    [InlineData(512, 0, 1024, 520, 16)] // too large
    [InlineData(512, 0, 256, 520, 0)]
    [InlineData(512, 0, 256, 520, 65)]
    [InlineData(512, 512, 256, 1024, 16)] // root inside memory
    [InlineData(512, 0, 256, 0, 16)] // tables inside memory
    [InlineData(512, 0, 256, 513, 16)] // tables over root
    [InlineData(512, 0, 0x1000_0000_0000_0100, 520, 16)]
    public void Create_refuses_malformed_arguments(ulong root, ulong memory, ulong frames, ulong tables, ulong tableFrames)
    {
        Assert.Equal(Status.Invalid, _bed.Call(OsFunction.CreateEnclave, F(root), F(memory), frames, F(tables), tableFrames));
        Assert.Equal(FrameState.Os, Word(512).State);
    }

    [Fact]
    public void Create_refuses_frames_of_others_and_too_few_tables()
    {
        _bed.CreateEnclave();
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.CreateEnclave, F(514), F(0), 256, F(540), 16));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.CreateEnclave, F(512), F(256), 256, F(540), 16));
        Assert.Equal(Status.NeedTables, _bed.Call(OsFunction.CreateEnclave, F(514), F(256), 256, F(540), 2));
        MonitorEntropy.IsSeeded = false;
        Assert.Equal(Status.NotSeeded, _bed.Call(OsFunction.CreateEnclave, F(514), F(256), 256, F(540), 16));
    }

    [Fact]
    public void Monitor_frames_are_refused_everywhere()
    {
        ulong handle = _bed.CreateEnclave();
        ulong table = FrameTable.Layout.FrameWords.Value;
        foreach (OsFunction function in new[] { OsFunction.GrantMemory, OsFunction.SharePages, OsFunction.UnsharePages, OsFunction.ReclaimMemory, OsFunction.DonateTables })
        {
            Assert.Equal(Status.Denied, _bed.Call(function, handle, table, 1));
            Assert.Equal(Status.Invalid, _bed.Call(function, handle, table + 8, 1));
            Assert.Equal(Status.Invalid, _bed.Call(function, handle, 0x0900_0000, 1));
            Assert.Equal(Status.Invalid, _bed.Call(function, handle, F(0), 0));
            Assert.Equal(Status.Invalid, _bed.Call(function, handle, F(0), ulong.MaxValue));
            Assert.Equal(Status.Invalid, _bed.Call(function, handle + 1, F(BlockTwo), 1));
            Assert.Equal(Status.Invalid, _bed.Call(function, handle + (1 << 16), F(BlockTwo), 1));
            Assert.Equal(Status.Invalid, _bed.Call(function, handle | (1UL << 50), F(BlockTwo), 1));
        }
    }

    [Fact]
    public void Grant_accept_release_reclaim_of_a_whole_block()
    {
        (ulong enclave, _) = _bed.Enter();
        Assert.Equal(Status.Success, _bed.Call2(OsFunction.GrantMemory, enclave, F(BlockTwo), 512));
        Assert.Equal(FrameState.Granted, Word(BlockTwo).State);
        Assert.Equal(1u, EnclaveTable.At(0).Pool.Reserved); // kept as one block
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.AcceptMemory, F(BlockTwo), 512));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.AcceptMemory, F(BlockTwo), 1)); // once
        Assert.Equal(Status.Denied, _bed.Call2(OsFunction.ReclaimMemory, enclave, F(BlockTwo), 1)); // private
        _bed.Machine.Scribble(F(BlockTwo + 7), 0xee);
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.ReleaseMemory, F(BlockTwo), 512));
        Assert.False(_bed.IsCached(1, F(BlockTwo)));
        Assert.Equal(Status.Success, _bed.Call2(OsFunction.ReclaimMemory, enclave, F(BlockTwo), 512));
        Assert.Equal(512u, _bed.Cpu2.Os.General[1]);
        Assert.True(_bed.Machine.IsScrubbed(F(BlockTwo + 7)));
    }

    [Fact]
    public void Release_of_a_part_splits_the_block_with_the_table_promised_to_it()
    {
        (ulong enclave, _) = _bed.Enter();
        Assert.Equal(Status.Success, _bed.Call2(OsFunction.GrantMemory, enclave, F(BlockTwo), 512));
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.AcceptMemory, F(BlockTwo), 512));
        uint free = EnclaveTable.At(0).Pool.Count;
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.ReleaseMemory, F(BlockTwo + 3), 5));
        Assert.Equal(free - 1, EnclaveTable.At(0).Pool.Count);
        Assert.Equal(Status.Success, _bed.Call2(OsFunction.ReclaimMemory, enclave, F(BlockTwo + 3), 5));
        Assert.Equal(FrameState.Private, Word(BlockTwo + 2).State);
        Assert.Equal(FrameState.Os, Word(BlockTwo + 3).State);
    }

    [Fact]
    public void A_block_needs_a_spare_table()
    {
        ulong enclave = _bed.CreateEnclave(0, 5);
        uint spare = EnclaveTable.At(0).Pool.Count;
        for (uint i = 0; i < spare; i++)
        {
            Assert.Equal(Status.Success, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockTwo + (512 * i)), 512));
        }

        ulong next = BlockTwo + (512 * spare);
        Assert.Equal(Status.NeedTables, _bed.Call(OsFunction.GrantMemory, enclave, F(next), 1));
        Assert.Equal(Status.NeedTables, _bed.Call(OsFunction.SharePages, enclave, F(600), 1));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.DonateTables, enclave, F(560), 3));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.GrantMemory, enclave, F(next), 1));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.SharePages, enclave, F(600), 1));
    }

    [Fact]
    public void Grant_refuses_a_range_over_two_blocks_and_a_frame_twice()
    {
        ulong enclave = _bed.CreateEnclave();
        ulong other = _bed.CreateEnclave(1);
        Assert.Equal(Status.Invalid, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockThree - 1), 2));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockTwo + 1), 1));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockTwo), 4));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.GrantMemory, other, F(BlockTwo + 1), 1));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.SharePages, other, F(BlockTwo + 1), 1));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.ReclaimMemory, other, F(BlockTwo + 1), 1));
        Assert.Equal(FrameState.Os, Word(BlockTwo).State);
        Assert.Equal(Status.Success, _bed.Call(OsFunction.ReclaimMemory, enclave, F(BlockTwo + 1), 1));
    }

    [Fact]
    public void A_locked_frame_is_busy()
    {
        ulong enclave = _bed.CreateEnclave();
        var range = new FrameRange(new PhysicalAddress(F(BlockTwo)).Frame, 1);
        Assert.Equal(Status.Success, FrameTable.TryLock(range, FrameExpectation.Os, out LockedFrames frames));
        Assert.Equal((Status?)Status.Busy, _bed.Cpu.Hypercall((ulong)OsFunction.GrantMemory, enclave, F(BlockTwo), 1));
        frames.Release();
        Assert.Equal(Status.Success, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockTwo), 1));
    }

    [Fact]
    public void Share_and_unshare_over_a_block_boundary()
    {
        ulong enclave = _bed.CreateEnclave();
        ulong other = _bed.CreateEnclave(1);
        Assert.Equal(Status.Success, _bed.Call(OsFunction.SharePages, enclave, F(BlockThree - 3), 6));
        Assert.Equal(FrameState.Lent, Word(BlockThree).State);
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.SharePages, other, F(BlockThree), 1));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.UnsharePages, other, F(BlockThree), 1));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockThree), 1));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.UnsharePages, enclave, F(BlockThree - 3), 6));
        Assert.False(_bed.IsCached(1, F(BlockThree) | AbiConstants.LentBit));
        Assert.True(_bed.IsCached(0, F(BlockThree)));
    }

    [Fact]
    public void Reclaim_stops_for_an_interrupt_and_goes_on()
    {
        ulong enclave = _bed.CreateEnclave();
        Assert.Equal(Status.Success, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockTwo), 512));
        _bed.Machine.InterruptAfter = 1;
        Assert.Equal(Status.Again, _bed.Call(OsFunction.ReclaimMemory, enclave, F(BlockTwo), 512));
        ulong done = _bed.Cpu.Os.General[1];
        Assert.Equal(2 * Constants.ScrubSlice, done);
        Assert.Equal(Status.Success, _bed.Call(OsFunction.ReclaimMemory, enclave, F(BlockTwo + done), 512 - done));
        // The OS has its block again, in one piece.
        Assert.Equal(2, LevelOf(F(BlockTwo)));
    }

    [Fact]
    public void Destroy_returns_every_frame_scrubbed()
    {
        ulong enclave = _bed.CreateEnclave();
        ulong task = _bed.CreateTask(enclave);
        Assert.Equal(Status.Success, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockTwo), 4));
        _bed.Machine.Scribble(F(3), 0xaa);
        Assert.Equal(Status.Again, _bed.Call(OsFunction.DestroyEnclave, enclave));
        Assert.Equal(256u + 18 + 4 + 2 + 1, _bed.Cpu.Os.General[1]);
        Assert.Equal(Status.Stopped, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockThree), 1));
        Assert.Equal(Status.Stopped, _bed.Call(OsFunction.SharePages, enclave, F(BlockThree), 1));
        Assert.Equal(Status.Stopped, _bed.Call(OsFunction.DonateTables, enclave, F(BlockThree), 1));
        Assert.Equal(Status.Stopped, _bed.Call(OsFunction.TaskCreate, enclave, F(BlockThree), F(Buffer(0)), 2));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.ReclaimMemory, enclave, F(512), 2)); // the root first
        Assert.Equal(Status.Success, _bed.Call(OsFunction.ReclaimMemory, enclave, F(520), 16));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.ReclaimMemory, enclave, F(0), 256));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.ReclaimMemory, enclave, F(BlockTwo), 4));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.UnsharePages, enclave, F(Buffer(0)), 2));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.ReclaimMemory, enclave, F(Context(0)), 1));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.TaskDestroy, task));
        Assert.Equal(F(Context(0)), _bed.Cpu.Os.General[1]);
        Assert.Equal(Status.Again, _bed.Call(OsFunction.DestroyEnclave, enclave));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.UnsharePages, enclave, F(Buffer(0)), 2));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.DestroyEnclave, enclave));
        Assert.Equal(Status.Invalid, _bed.Call(OsFunction.DestroyEnclave, enclave));
        Assert.True(_bed.Machine.IsScrubbed(F(3)));
        Assert.NotEqual(enclave, _bed.CreateEnclave());
    }

    [Fact]
    public void Enclaves_run_out()
    {
        for (uint i = 0; i < Constants.MaximumEnclaves; i++)
        {
            Assert.True(EnclaveTable.TryMove(i, EnclaveState.Free, EnclaveState.Building));
        }

        Assert.Equal((Status?)Status.NoResource, _bed.Cpu.Hypercall((ulong)OsFunction.CreateEnclave, F(512), F(0), 256, F(520), 16));
    }

    [Fact]
    public void Statistics_count_frames()
    {
        ulong enclave = _bed.CreateEnclave();
        Assert.Equal(Status.Success, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockTwo), 8));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.Statistics, 0, 0, F(BlockThree)));
        Assert.Equal(_bed.Machine.RamBytes / FrameNumber.Size, Counter(0));
        Assert.Equal(264u, Counter(3));
        Assert.Equal(18u, Counter(4));
        Assert.Equal(1u, Counter(6));
        Assert.Equal(Counter(0), Counter(1) + Counter(2) + Counter(3) + Counter(4));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.Statistics, 0, 0, F(0)));
        Assert.Equal(Status.Invalid, _bed.Call(OsFunction.Statistics, 3, 0, F(BlockThree)));
        Assert.Equal(Status.Invalid, _bed.Call(OsFunction.Statistics, 1, 0, F(BlockThree)));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.Statistics, 1, enclave, F(BlockThree)));
    }

    [Fact]
    public void Unknown_functions_are_not_supported()
    {
        Assert.Equal(Status.NotSupported, _bed.Call(OsFunction.Version + 14));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.Version));
        Assert.Equal(1u, _bed.Cpu.Os.General[1]);
    }

    private ulong Counter(int index) => _bed.Machine.PeekLong(F(BlockThree) + ((ulong)index * 8));

    private static int LevelOf(ulong address)
    {
        OsStageTwo.Tree().Find(new IntermediateAddress(address), out int level);
        return level;
    }
}
