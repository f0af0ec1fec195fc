using BlackBox.Boot;
using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Bench;

/// <summary>What a start of the machine takes until a program runs in a protected shell's place.</summary>
/// <param name="Direct">Instructions when the emulator loads monitor, kernel and RAM disk.</param>
/// <param name="Firmware">Instructions of the whole chain: UEFI firmware, TPM, signed monitor, boot manifest.</param>
/// <param name="IsMet">Whether the goal is met: <see cref="Goal"/>.</param>
public sealed record BootResult(long Direct, long Firmware, bool IsMet)
{
    /// <summary>The whole chain may take so many times the instructions of the direct start.</summary>
    public const double Goal = 1.5;

    /// <summary>Firmware / Direct.</summary>
    public double Ratio => (double)Firmware / Direct;
}

/// <summary>
/// Instructions from power-on until a program in a protected container, started by its shell, is at its first lines. What a processor that waits
/// (WFI) would have executed does not count, since it executes nothing.
/// </summary>
public sealed class BootBenchmark(GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress)
{
    private const string Step = "Starts";
    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(20);

    /// <exception cref="BlackBoxException">Something could not be built, this host has no compiler for the counting plugin, or a machine failed.</exception>
    public async Task<BootResult> RunAsync(CancellationToken cancellation)
    {
        var programs = new BenchmarkPrograms(progress);
        var observer = await programs.ObserverAsync(cancellation).ConfigureAwait(false);
        var workload = await programs.WorkloadAsync(cancellation).ConfigureAwait(false);
        var counter = await programs.CounterAsync(cancellation).ConfigureAwait(false) ?? throw new BlackBoxException("instructions cannot be counted: this host has no gcc");
        var images = new ImageSource(guest, progress);
        using var shell = await images.OpenAsync("shell", null, wantProtected: false, cancellation).ConfigureAwait(false);
        var files = await BenchmarkHalf.FilesAsync(true, (observer, workload), images, shell.Content, null, guest, build, progress, cancellation).ConfigureAwait(false);
        var direct = await CountAsync("direct", await build.MonitorAsync(cancellation).ConfigureAwait(false), null, files, counter, cancellation).ConfigureAwait(false);
        var whole = await CountAsync("firmware", await build.UefiMonitorAsync(cancellation).ConfigureAwait(false), new SignedFirmware(), files, counter, cancellation).ConfigureAwait(false);
        progress.Report(new StepUpdate(Step, 1, "done"));
        return new BootResult(direct, whole, whole <= BootResult.Goal * direct);
    }

    private async Task<long> CountAsync(
        string name, string monitor, IFirmware? firmware, IReadOnlyList<RootFilesystem> files, string counter, CancellationToken cancellation)
    {
        progress.Report(new StepUpdate(Step, firmware is null ? 0 : 0.5, firmware is null ? "the direct start" : "the start by firmware"));
        var counts = Path.Combine(Path.GetDirectoryName(counter)!, $"counts-boot-{name}.txt");
        File.Delete(counts);
        var options = new MachineOptions
        {
            Cpus = 1,
            Repeatable = true,
            Monitor = monitor,
            Firmware = firmware,
            Files = files,
            KernelArguments = BenchmarkHalf.ProtectedKernelArguments,
            QemuArguments = ["-plugin", $"file={BenchmarkHalf.Escape(counter)},output={BenchmarkHalf.Escape(counts)},from=start"],
            BootTimeout = TimeLimit,
        };
        string[] scripts = [GuestScripts.Prepare(isProtected: true), GuestScripts.FirstProgram];
        var results = await MachineJob.RunAsync(options, guest, scripts, TimeLimit, cancellation).ConfigureAwait(false);
        if (results.FirstOrDefault(result => !result.Succeeded) is { } failed)
        {
            throw new BlackBoxException($"{name}: exit code {failed.ExitCode}: {failed.Output.Trim()}");
        }

        var stretches = InstructionCounts.Read(await File.ReadAllLinesAsync(counts, cancellation).ConfigureAwait(false));
        return stretches.Count == 1 ? stretches[0]["instructions"] : throw new BlackBoxException($"{name}: the first program's mark was not seen");
    }
}
