using BlackBox.Bench;
using BlackBox.Building;
using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Machine.Tests;

/// <summary>The OS's own I/O passes the monitor's SMMU tables without the monitor: counted, not timed.</summary>
public sealed class TransferTests
{
    private const long Bytes = 4 << 20;

    [Fact]
    public async Task Disk_and_network_cost_no_exit_and_no_SMMU_command()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var guest = await Guests.EnvironmentAsync();
        var build = new ProductBuild(guest.Kernel, NoProgress.Instance);
        var counts = await new TransferBenchmark(guest, build, NoProgress.Instance).CountAsync(await build.MonitorAsync(cancellation), Bytes, cancellation);
        Assert.Equal(TransferBenchmark.Names.Order(StringComparer.Ordinal), counts.Keys.Order(StringComparer.Ordinal));
        Assert.All(counts, transfer =>
        {
            Assert.Equal(0, transfer.Value["smmuCommands"]);
            Assert.Equal(0, transfer.Value["dmaFaults"]);
            Assert.Equal(0, transfer.Value["stageTwoFaults"]);
            // Something else in the guest may call once; 64 blocks of 64 KiB are some hundred requests.
            Assert.InRange(transfer.Value["exits"], 0, 0.1);
        });
    }
}
