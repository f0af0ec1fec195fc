using System.Buffers.Binary;
using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Guest;
using BlackBox.Hosting;
using BlackBox.Images;
using BlackBox.Recipes;

namespace BlackBox.Bench;

/// <summary>What one half of the run gave for one benchmark: the reports of its scripts, or why there are none.</summary>
internal sealed record Measurement(IReadOnlyList<ObserverReport> Reports, IReadOnlyList<IReadOnlyDictionary<string, long>> Instructions, string? Failure);

/// <summary>
/// One machine that counts instructions, with one CPU, in which all benchmarks run one after another: with the monitor and
/// protected containers, or without both and with the same containers in stock runc.
/// </summary>
internal sealed class BenchmarkHalf(bool isProtected, GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress)
{
    private const string TakesLong = "see docs/benchmarks.md";

    // Kernel page-table isolation on (with nokaslr the kernel would leave it off on this CPU), and no random offset of the
    // kernel's stack: without a source of entropy it would cost some ten thousand instructions for each call, in both halves.
    private static readonly string[] NativeKernelArguments = ["kpti=1", "randomize_kstack_offset=off"];

    // A machine without entropy starts no enclave, except under this word, which the module reports.
    private const string WithoutEntropy = "blackbox.benchmark";

    /// <summary>Words for the kernel of a protected half.</summary>
    public static string[] ProtectedKernelArguments => [.. NativeKernelArguments, WithoutEntropy];

    // What image.c reads.
    private const int DataBytes = 8 << 20;

    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(40);

    private string Step => isProtected ? "Benchmark, protected" : "Benchmark, native";

    private string Runtime => isProtected ? "blackbox-runtime" : "runc";

    /// <summary>Runs the benchmarks.</summary>
    /// <param name="programs">Paths on this host of observer and workload, and of the plugin or null.</param>
    /// <returns>One measurement for each.</returns>
    /// <exception cref="BlackBoxException">Something could not be built, or the machine failed.</exception>
    public async Task<IReadOnlyList<Measurement>> RunAsync(
        IReadOnlyList<BenchmarkDefinition> benchmarks, (string Observer, string Workload, string? Counter) programs, string? monitor, CancellationToken cancellation)
    {
        var images = new ImageSource(guest, progress);
        using var shell = await images.OpenAsync("shell", null, wantProtected: false, cancellation).ConfigureAwait(false);
        using var redis = benchmarks.Any(benchmark => benchmark.Kind == BenchmarkKind.Redis)
            ? await images.OpenAsync("redis", null, isProtected, cancellation).ConfigureAwait(false) : null;
        var files = await FilesAsync(isProtected, (programs.Observer, programs.Workload), images, shell.Content, redis?.Content, guest, build, progress, cancellation).ConfigureAwait(false);
        List<string> scripts = [GuestScripts.Prepare(isProtected), .. benchmarks.SelectMany(benchmark => GuestScripts.Of(benchmark, Runtime))];
        var counts = Path.Combine(BlackBoxPaths.Repository, "artifacts", "bench", isProtected ? "counts-protected.txt" : "counts-native.txt");
        File.Delete(counts);
        var done = 0;
        var options = new MachineOptions
        {
            Cpus = 1,
            Repeatable = true,
            Monitor = isProtected ? monitor : null,
            Files = files,
            KernelArguments = isProtected ? ProtectedKernelArguments : NativeKernelArguments,
            QemuArguments = programs.Counter is { } plugin ? ["-plugin", $"file={Escape(plugin)},output={Escape(counts)}"] : [],
            BootTimeout = TimeLimit,
            OnConsoleLine = line =>
            {
                if (line.StartsWith(GuestScripts.Announcement, StringComparison.Ordinal))
                {
                    progress.Report(new StepUpdate(Step, (double)done++ / scripts.Count, line[GuestScripts.Announcement.Length..]));
                }
            },
        };
        progress.Report(new StepUpdate(Step, 0, "starting the machine"));
        var results = await MachineJob.RunAsync(options, guest, scripts, TimeLimit, cancellation).ConfigureAwait(false);
        if (!results[0].Succeeded)
        {
            throw new BlackBoxException($"the machine could not be prepared: {Line(results[0].Output)}", TakesLong);
        }

        progress.Report(new StepUpdate(Step, 1, "done"));
        return Assign(benchmarks, results, await StretchesAsync(programs.Counter is null ? null : counts, cancellation).ConfigureAwait(false));
    }

    /// <summary>What the machine's RAM disk has besides: observer, runtime, module, and a container with the workload.</summary>
    internal static async Task<IReadOnlyList<RootFilesystem>> FilesAsync(
        bool isProtected, (string Observer, string Workload) programs, ImageSource images, ImageContent shell, ImageContent? redis,
        GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        var own = new RootFilesystem();
        own.Add(Program(GuestScripts.Observer, programs.Observer));
        if (isProtected)
        {
            own.Add(RootEntry.File(RootPath.Parse(GuestScripts.Module), ContentSource.FromFile(await build.ModuleAsync(cancellation).ConfigureAwait(false))));
            own.Add(Program("/usr/bin/blackbox-runtime", await build.RuntimeAsync(cancellation).ConfigureAwait(false)));
        }

        shell.Root.Add(Program(GuestScripts.Workload, programs.Workload));
        shell.Root.Add(RootEntry.File(RootPath.Parse(GuestScripts.Data), ContentSource.FromBytes(Data())));
        var container = isProtected ? images.Protect(shell, cancellation) : shell;
        List<RootFilesystem> files =
        [
            await GuestTools.OpenAsync(GuestTools.ContainerTools, guest, progress, cancellation).ConfigureAwait(false),
            own,
            OciBundle.Create(container, GuestScripts.ShellContainer),
        ];
        if (redis is not null)
        {
            files.Add(await GuestTools.OpenAsync("benchmark-tools", guest, progress, cancellation).ConfigureAwait(false));
            files.Add(OciBundle.Create(redis, GuestScripts.RedisContainer));
        }

        return files;
    }

    /// <summary>Deals out the results of the scripts, and the counted stretches if their number is as expected.</summary>
    private static List<Measurement> Assign(
        IReadOnlyList<BenchmarkDefinition> benchmarks, IReadOnlyList<CommandResult> results, IReadOnlyList<IReadOnlyDictionary<string, long>> stretches)
    {
        var complete = stretches.Count == benchmarks.Sum(GuestScripts.Stretches);
        var (script, stretch) = (1, 0);
        var measurements = new List<Measurement>();
        foreach (var benchmark in benchmarks)
        {
            var count = GuestScripts.Of(benchmark, "").Count;
            var own = results.Skip(script).Take(count).ToList();
            script += count;
            var reports = own.Select(result => ObserverReport.Parse(result.Output)).ToList();
            var failed = own.FindIndex(result => !result.Succeeded);
            measurements.Add(new Measurement(
                reports,
                complete ? [.. stretches.Skip(stretch).Take(GuestScripts.Stretches(benchmark))] : [],
                failed < 0 ? null : $"exit code {own[failed].ExitCode}: {Line(string.Join('\n', reports[failed].Output))}"));
            stretch += GuestScripts.Stretches(benchmark);
        }

        return measurements;
    }

    private static async Task<IReadOnlyList<IReadOnlyDictionary<string, long>>> StretchesAsync(string? file, CancellationToken cancellation) =>
        file is not null && File.Exists(file) ? InstructionCounts.Read(await File.ReadAllLinesAsync(file, cancellation).ConfigureAwait(false)) : [];

    /// <summary>The same each time, and nothing that anybody could take a short cut with.</summary>
    private static byte[] Data()
    {
        var data = new byte[DataBytes];
        var state = 1UL;
        for (var i = 0; i < data.Length; i += sizeof(ulong))
        {
            state = (state * 6364136223846793005) + 1442695040888963407;
            BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(i), state ^ (state >> 29));
        }

        return data;
    }

    private static RootEntry Program(string path, string file) => RootEntry.File(RootPath.Parse(path), ContentSource.FromFile(file), 0x1ED);

    private static string Line(string text) => string.Join("; ", text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(3));

    internal static string Escape(string path) => path.Replace(",", ",,");
}
