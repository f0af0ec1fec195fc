using BlackBox.Guest;
using BlackBox.Hosting;

namespace BlackBox.Building;

/// <summary>
/// Builds the parts of BlackBox that run in the emulated machine, as far as they are not up to date: monitor and shield,
/// the module for the guest's kernel, the guest's runtime, and the programs of the demonstration.
/// </summary>
public sealed class ProductBuild(GuestKernel kernel, IProgress<StepUpdate> progress)
{
    private const string Compiler = "aarch64-linux-gnu-gcc";

    private readonly ProductSources _sources = new(BlackBoxPaths.Repository);

    private static string GuestFolder => Path.Combine(BlackBoxPaths.Repository, "artifacts", "guest");

    /// <summary>Everything.</summary>
    /// <returns>The product's parts; the demonstration's programs are not among them.</returns>
    public async Task<IReadOnlyList<Artefact>> BuildAllAsync(CancellationToken cancellation)
    {
        _ = await MonitorAsync(cancellation).ConfigureAwait(false);
        _ = await UefiMonitorAsync(cancellation).ConfigureAwait(false);
        _ = await ModuleAsync(cancellation).ConfigureAwait(false);
        _ = await RuntimeAsync(cancellation).ConfigureAwait(false);
        _ = await SecretAsync(cancellation).ConfigureAwait(false);
        _ = await DumperAsync(cancellation).ConfigureAwait(false);
        return Artefact.Of(_sources, kernel.Release);
    }

    /// <summary>The monitor's image with the shield's in it.</summary>
    /// <returns>artifacts/images/monitor.bin</returns>
    public async Task<string> MonitorAsync(CancellationToken cancellation)
    {
        await new BuildStep("monitor and shield", ProductSources.Monitor, [_sources.MonitorImage, _sources.ShieldImage], [], _sources.MakeMonitorAsync)
            .RunAsync(progress, cancellation).ConfigureAwait(false);
        return _sources.MonitorImage;
    }

    /// <summary>The monitor as a UEFI application, not signed yet.</summary>
    /// <returns>artifacts/images/monitor.efi</returns>
    public async Task<string> UefiMonitorAsync(CancellationToken cancellation)
    {
        await new BuildStep("monitor for UEFI", ProductSources.Monitor, [_sources.UefiImage], [], _sources.MakeUefiAsync)
            .RunAsync(progress, cancellation).ConfigureAwait(false);
        return _sources.UefiImage;
    }

    /// <summary>The same with an owner's boot key instead of the development key, hence for Secure Boot only.</summary>
    /// <param name="bootKey">C# file, as <c>keys boot</c> writes it</param>
    /// <returns>artifacts/images/monitor-owned.efi</returns>
    public async Task<string> OwnedMonitorAsync(string bootKey, CancellationToken cancellation)
    {
        _ = await MonitorAsync(cancellation).ConfigureAwait(false);
        await new BuildStep(
            "monitor for UEFI with this host's boot key",
            ProductSources.Monitor,
            [_sources.OwnedImage],
            [await File.ReadAllTextAsync(bootKey, cancellation).ConfigureAwait(false)],
            (onLine, stop) => _sources.MakeOwnedUefiAsync(bootKey, onLine, stop)).RunAsync(progress, cancellation).ConfigureAwait(false);
        return _sources.OwnedImage;
    }

    /// <summary>The module for the guest's kernel.</summary>
    /// <returns>blackbox.ko, without debug information.</returns>
    public async Task<string> ModuleAsync(CancellationToken cancellation)
    {
        var module = _sources.ModuleFor(kernel.Release);
        await new BuildStep(
            "blackbox.ko",
            ProductSources.Module,
            [module],
            [kernel.Headers],
            (onLine, stop) => _sources.MakeModuleAsync(kernel.Release, kernel.Headers, onLine, stop)).RunAsync(progress, cancellation).ConfigureAwait(false);
        return module;
    }

    /// <summary>The OCI runtime, a static program.</summary>
    public async Task<string> RuntimeAsync(CancellationToken cancellation)
    {
        await new BuildStep("blackbox-runtime", ProductSources.Runtime, [_sources.RuntimeProgram], [], _sources.MakeRuntimeAsync)
            .RunAsync(progress, cancellation).ConfigureAwait(false);
        return _sources.RuntimeProgram;
    }

    /// <summary>The program of the demonstration that makes and keeps a secret; static.</summary>
    public async Task<string> SecretAsync(CancellationToken cancellation)
    {
        var program = Path.Combine(GuestFolder, "secret");
        await new BuildStep(
            "the demonstration's program",
            ["src/Guest/secret"],
            [program],
            [],
            (_, stop) => AtomicOutput.WriteFileByNameAsync(program, async file => await ExternalProcess.RunCheckedAsync(
                Compiler, ["-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", file, Project("src/Guest/secret/secret.c")], stop).ConfigureAwait(false)))
            .RunAsync(progress, cancellation).ConfigureAwait(false);
        return program;
    }

    /// <summary>The attacker of the demonstration: a module, and the program that uses it.</summary>
    public async Task<(string Module, string Program)> DumperAsync(CancellationToken cancellation)
    {
        var folder = Path.Combine(GuestFolder, "dumper", kernel.Release);
        var (module, program) = (Path.Combine(folder, "stripped", "bb_dumper.ko"), Path.Combine(folder, "dump"));
        await new BuildStep(
            "the demonstration's dumper",
            ["src/Guest/dumper"],
            [module, program],
            [kernel.Headers],
            async (onLine, stop) =>
            {
                await _sources.MakeAsync("src/Guest/dumper", kernel.Headers, folder, onLine, stop).ConfigureAwait(false);
                await ProductSources.StripAsync(Path.Combine(folder, "bb_dumper.ko"), module, stop).ConfigureAwait(false);
            }).RunAsync(progress, cancellation).ConfigureAwait(false);
        return (module, program);
    }

    private static string Project(string path) => Path.Combine(BlackBoxPaths.Repository, path);
}
