using System.Globalization;
using System.Net;
using System.Net.Sockets;
using BlackBox.Building;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Bench;

/// <summary>One kind of transfer.</summary>
/// <param name="Ratio">Median of the ratios protected / native of the pairs' times.</param>
/// <param name="Native">Median time of 64 KiB in ns of the host's clock.</param>
/// <param name="Protected">The same with the monitor.</param>
/// <param name="Counts">What the monitor counted, for each 64 KiB: exits, stageTwoFaults, smmuCommands, dmaFaults.</param>
public sealed record TransferResult(string Name, double Ratio, double Native, double Protected, IReadOnlyDictionary<string, double> Counts);

/// <summary>
/// What the monitor and the SMMU cost the machine's own I/O: the same transfers on a machine without monitor and on one with it, by
/// turns. Times are the host's and so depend on what else it does; the counts do not.
/// </summary>
public sealed class TransferBenchmark(GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress)
{
    private const string Step = "Transfers";
    private const string Program = "/usr/bin/transfer";
    private const string Module = "/usr/lib/blackbox/blackbox.ko";
    private const string HostAddress = "10.0.2.2";
    private const long Bytes = 64L << 20;
    private const int Block = 65536;

    /// <summary>Names of all kinds.</summary>
    public static IReadOnlyList<string> Names { get; } = ["disk-read", "network-receive", "network-send"];

    /// <param name="monitor">The monitor's image.</param>
    /// <param name="pairs">Turns of each kind.</param>
    /// <exception cref="BlackBoxException">Something could not be built, or a machine failed.</exception>
    public async Task<IReadOnlyList<TransferResult>> RunAsync(string monitor, int pairs, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("blackbox-transfer-");
        try
        {
            progress.Report(new StepUpdate(Step, 0, "starting the machines"));
            await using var native = await StartAsync(null, folder.FullName, Bytes, cancellation).ConfigureAwait(false);
            await using var other = await StartAsync(monitor, folder.FullName, Bytes, cancellation).ConfigureAwait(false);
            var results = new List<TransferResult>();
            foreach (var name in Names)
            {
                // The first of each only warms up.
                _ = await MeasureAsync(native, name, Bytes, cancellation).ConfigureAwait(false);
                _ = await MeasureAsync(other, name, Bytes, cancellation).ConfigureAwait(false);
                var taken = new List<(ObserverReport Native, ObserverReport Protected)>();
                for (var i = 0; i < pairs; i++)
                {
                    progress.Report(new StepUpdate(Step, (double)((results.Count * pairs) + i) / (Names.Count * pairs), $"{name}, pair {i + 1} of {pairs}"));
                    taken.Add((await MeasureAsync(native, name, Bytes, cancellation).ConfigureAwait(false), await MeasureAsync(other, name, Bytes, cancellation).ConfigureAwait(false)));
                }

                results.Add(Combine(name, taken));
            }

            progress.Report(new StepUpdate(Step, 1, "done"));
            return results;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>What the monitor counts while a machine transfers, for each 64 KiB. Independent of the clock.</summary>
    /// <param name="bytes">how much of each kind; a multiple of 64 KiB</param>
    /// <exception cref="BlackBoxException">Something could not be built, or the machine failed.</exception>
    public async Task<IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>>> CountAsync(string monitor, long bytes, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("blackbox-transfer-");
        try
        {
            await using var machine = await StartAsync(monitor, folder.FullName, bytes, cancellation).ConfigureAwait(false);
            var counts = new Dictionary<string, IReadOnlyDictionary<string, double>>();
            foreach (var name in Names)
            {
                var report = await MeasureAsync(machine, name, bytes, cancellation).ConfigureAwait(false);
                counts[name] = report.Counts.ToDictionary(count => count.Key, count => (double)count.Value / report.Operations);
            }

            return counts;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<EmulatedMachine> StartAsync(string? monitor, string folder, long bytes, CancellationToken cancellation)
    {
        var program = await new BenchmarkPrograms(progress).TransferAsync(cancellation).ConfigureAwait(false);
        var module = await build.ModuleAsync(cancellation).ConfigureAwait(false);
        var disk = Path.Combine(folder, "disk");
        if (!File.Exists(disk))
        {
            await File.WriteAllBytesAsync(disk, new byte[bytes], cancellation).ConfigureAwait(false);
        }

        var files = new RootFilesystem();
        files.Add(RootEntry.File(RootPath.Parse(Program), ContentSource.FromFile(program), 0x1ED));
        files.Add(RootEntry.File(RootPath.Parse(Module), ContentSource.FromFile(module)));
        var machine = await EmulatedMachine.StartAsync(
            new MachineOptions { Monitor = monitor, Network = true, Disks = [new MachineDisk(disk)], Files = [files], BootTimeout = TimeSpan.FromMinutes(4) }, guest, cancellation).ConfigureAwait(false);
        try
        {
            if (monitor is not null)
            {
                _ = await ScriptAsync(machine, $"insmod {Module}", cancellation).ConfigureAwait(false);
            }

            return machine;
        }
        catch
        {
            await machine.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    internal static TransferResult Combine(string name, IReadOnlyList<(ObserverReport Native, ObserverReport Protected)> pairs) => new(
        name,
        Median(pairs.Select(pair => (double)pair.Protected.Time / pair.Native.Time)),
        Median(pairs.Select(pair => (double)pair.Native.Time / pair.Native.Operations)),
        Median(pairs.Select(pair => (double)pair.Protected.Time / pair.Protected.Operations)),
        pairs[0].Protected.Counts.Keys.ToDictionary(
            count => count, count => pairs.Sum(pair => (double)pair.Protected.Counts[count]) / pairs.Sum(pair => pair.Protected.Operations)));

    private static async Task<ObserverReport> MeasureAsync(EmulatedMachine machine, string name, long bytes, CancellationToken cancellation)
    {
        if (name == "disk-read")
        {
            return ObserverReport.Parse(await ScriptAsync(machine, $"{Program} disk /dev/vda {bytes}", cancellation).ConfigureAwait(false));
        }

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var isReceive = name == "network-receive";
        var serving = ServeAsync(listener, isReceive ? bytes : 0, stop.Token);
        try
        {
            var port = ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
            var output = await ScriptAsync(machine, $"{Program} {(isReceive ? "receive" : "send")} {HostAddress} {port} {bytes}", cancellation).ConfigureAwait(false);
            await serving.ConfigureAwait(false);
            return ObserverReport.Parse(output);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task ServeAsync(TcpListener listener, long bytes, CancellationToken cancellation)
    {
        using var client = await listener.AcceptTcpClientAsync(cancellation).ConfigureAwait(false);
        var stream = client.GetStream();
        var buffer = new byte[Block];
        for (var left = bytes; left > 0; left -= Block)
        {
            await stream.WriteAsync(buffer, cancellation).ConfigureAwait(false);
        }

        // A receiver's end comes when it has all; a sender's when it has sent all.
        while (await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false) > 0)
        {
        }
    }

    private static async Task<string> ScriptAsync(EmulatedMachine machine, string script, CancellationToken cancellation)
    {
        var result = await machine.ExecuteAsync(script, TimeSpan.FromMinutes(3), cancellation: cancellation).ConfigureAwait(false);
        return result.Succeeded ? result.Output : throw new BlackBoxException($"'{script}' ended with {result.ExitCode}: {result.Output.Trim()}");
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }
}
