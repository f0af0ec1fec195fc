using BlackBox.Simulation;
using Xunit;
using static BlackBox.Monitor.Tests.TestBed;

namespace BlackBox.Monitor.Tests;

/// <summary>What devices reach. That it changes with every transition is an invariant (<see cref="Invariants"/>).</summary>
public sealed class SmmuTests
{
    private readonly TestBed _bed = new();

    [Fact]
    public void Devices_reach_the_OS_and_nothing_of_the_monitor()
    {
        Assert.True(DmaTables.Reaches(new PhysicalAddress(F(0)).Frame));
        Assert.False(DmaTables.Reaches(FrameTable.Layout.Ram.First));
        Assert.False(DmaTables.Reaches(FrameTable.Layout.GateFrame));
        Assert.False(DmaTables.Reaches(FrameTable.Layout.DmaPages.Frame));
    }

    [Fact]
    public void A_frame_leaves_before_it_enters_an_enclave_and_comes_back_after()
    {
        _bed.CreateEnclave();
        Assert.False(DmaTables.Reaches(new PhysicalAddress(F(0)).Frame));
        Assert.Empty(_bed.Machine.Smmu.Stale);
    }

    [Fact]
    public void An_SMMU_that_does_not_answer_stops_the_machine_not_the_check()
    {
        _bed.Machine.Smmu.IsStuck = true;
        _bed.Machine.OnSpin = () => { };
        MonitorPanicException panic = Assert.Throws<MonitorPanicException>(() => _bed.CreateEnclave());
        Assert.Equal("the SMMU does not take commands", panic.Message);
    }

    [Fact]
    public void Refused_accesses_are_counted_over_the_end_of_the_queue()
    {
        ulong before = Smmu.Faults;
        for (uint i = 0; i < 300; i++)
        {
            _bed.Machine.Smmu.Fault(8 + i, 0x1000 * i);
            if (i % 100 == 99)
            {
                OsStageTwo.TakeDmaEvents();
            }
        }

        Assert.Equal(300u, Smmu.Faults - before);
        Assert.Equal(307u, Smmu.LastStream);
        Assert.Equal(0x1000u * 299, Smmu.LastAddress);
    }

    [Theory]
    [InlineData(256, true)]
    [InlineData(512, true)]
    [InlineData(1024, true)]
    [InlineData(4096, true)]
    [InlineData(65536, true)]
    [InlineData(512, false)]
    public void The_monitor_takes_at_most_half_a_percent_and_two_MiB(ulong megabytes, bool hasSmmu)
    {
        var ram = new FrameRange(new PhysicalAddress(0x4000_0000).Frame, megabytes * 256);
        var image = new FrameRange(ram.First + FrameNumber.PerBlock, 200);    // more than today's
        Assert.True(MonitorLayout.TryPlace(ram, image, image, IntermediateAddress.Of(image.First), image.First, 20, hasSmmu, out MonitorLayout layout));
        ulong taken = layout.Ram.Count - layout.OsRam.Count;
        Assert.InRange(taken * FrameNumber.Size, 1UL << 20, (ram.Count * FrameNumber.Size / 200) + (2 << 20));
    }
}
