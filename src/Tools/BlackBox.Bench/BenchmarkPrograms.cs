using BlackBox.Building;
using BlackBox.Hosting;

namespace BlackBox.Bench;

/// <summary>Builds the programs of the benchmark that are not part of the product.</summary>
internal sealed class BenchmarkPrograms(IProgress<StepUpdate> progress)
{
    private const string GuestCompiler = "aarch64-linux-gnu-gcc";
    private const string Sources = "bench/guest";

    private static readonly string[] Strict = ["-O2", "-Wall", "-Wextra", "-Werror"];

    private static string Folder => Path.Combine(BlackBoxPaths.Repository, "artifacts", "bench");

    /// <summary>What is measured; dynamically linked, as the programs of real images are.</summary>
    public Task<string> WorkloadAsync(CancellationToken cancellation) => CompileAsync(
        "workload", GuestCompiler, ["workload.c", "calls.c", "memory.c", "processes.c", "image.c"], [], cancellation);

    /// <summary>The one that reads the counters, outside of the container; static.</summary>
    public Task<string> ObserverAsync(CancellationToken cancellation) => CompileAsync(
        "observe", GuestCompiler, ["observe.c"], ["-static", "-I", InRepository("src/LinuxModule"), "-I", InRepository("src/Abi/Generated")], cancellation);

    /// <summary>Moves data to and from disk and network, and reads the counters around it; static.</summary>
    public Task<string> TransferAsync(CancellationToken cancellation) => CompileAsync(
        "transfer", GuestCompiler, ["transfer.c"], ["-static", "-I", InRepository("src/LinuxModule"), "-I", InRepository("src/Abi/Generated")], cancellation);

    /// <summary>The emulator's plugin that counts instructions, or null where this host has no compiler for itself.</summary>
    public async Task<string?> CounterAsync(CancellationToken cancellation)
    {
        if ((ExternalProcess.Find("gcc") ?? ExternalProcess.Find("cc")) is not { } compiler)
        {
            return null;
        }

        var plugin = Path.Combine(Folder, "counter.so");
        await new BuildStep(
            "the instruction counter",
            ["bench/counter"],
            [plugin],
            [compiler],
            (_, stop) => AtomicOutput.WriteFileByNameAsync(plugin, async file => await ExternalProcess.RunCheckedAsync(
                compiler, [.. Strict, "-shared", "-fPIC", "-o", file, InRepository("bench/counter/counter.c")], stop).ConfigureAwait(false)))
            .RunAsync(progress, cancellation).ConfigureAwait(false);
        return plugin;
    }

    private async Task<string> CompileAsync(string name, string compiler, string[] files, string[] options, CancellationToken cancellation)
    {
        var program = Path.Combine(Folder, name);
        await new BuildStep(
            $"the benchmark's {name}",
            [Sources, "src/Abi/Generated/blackbox_abi.h", "src/LinuxModule/blackbox_ioctl.h"],
            [program],
            options,
            (_, stop) => AtomicOutput.WriteFileByNameAsync(program, async file => await ExternalProcess.RunCheckedAsync(
                compiler, [.. Strict, .. options, "-o", file, .. files.Select(source => InRepository(Path.Combine(Sources, source)))], stop).ConfigureAwait(false)))
            .RunAsync(progress, cancellation).ConfigureAwait(false);
        return program;
    }

    private static string InRepository(string path) => Path.Combine(BlackBoxPaths.Repository, path);
}
