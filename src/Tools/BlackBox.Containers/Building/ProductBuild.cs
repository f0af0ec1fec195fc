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

    private static readonly string[] Common = ["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "global.json"];

    private static string Artifacts => Path.Combine(BlackBoxPaths.Repository, "artifacts");

    private static string GuestFolder => Path.Combine(Artifacts, "guest");

    /// <summary>Everything.</summary>
    public async Task BuildAllAsync(CancellationToken cancellation)
    {
        _ = await MonitorAsync(cancellation).ConfigureAwait(false);
        _ = await UefiMonitorAsync(cancellation).ConfigureAwait(false);
        _ = await ModuleAsync(cancellation).ConfigureAwait(false);
        _ = await RuntimeAsync(cancellation).ConfigureAwait(false);
        _ = await SecretAsync(cancellation).ConfigureAwait(false);
        _ = await DumperAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The monitor's image with the shield's in it.</summary>
    /// <returns>artifacts/images/monitor.bin</returns>
    public async Task<string> MonitorAsync(CancellationToken cancellation)
    {
        var image = Path.Combine(BlackBoxPaths.Images, "monitor.bin");
        await new BuildStep(
            "monitor and shield",
            ["src/Monitor", "src/Shield", "src/Cryptography", "src/Freestanding", "src/Abi/Generated", "build", .. Common],
            [image, Path.Combine(BlackBoxPaths.Images, "shield.bin")],
            [],
            (onLine, stop) => DotnetAsync(["build", Project("src/Monitor/Image/BlackBox.Monitor.Image.csproj")], onLine, stop))
            .RunAsync(progress, cancellation).ConfigureAwait(false);
        return image;
    }

    /// <summary>The monitor as a UEFI application, not signed yet.</summary>
    /// <returns>artifacts/images/monitor.efi</returns>
    public async Task<string> UefiMonitorAsync(CancellationToken cancellation)
    {
        var image = Path.Combine(BlackBoxPaths.Images, "monitor.efi");
        await new BuildStep(
            "monitor for UEFI",
            ["src/Monitor", "src/Shield", "src/Cryptography", "src/Freestanding", "src/Abi/Generated", "build", .. Common],
            [image],
            [],
            (onLine, stop) => DotnetAsync(["build", Project("src/Monitor/UefiImage/BlackBox.Monitor.Uefi.Image.csproj")], onLine, stop))
            .RunAsync(progress, cancellation).ConfigureAwait(false);
        return image;
    }

    /// <summary>The same with an owner's boot key instead of the development key, hence for Secure Boot only.</summary>
    /// <param name="bootKey">C# file, as <c>keys boot</c> writes it</param>
    /// <returns>artifacts/images/monitor-owned.efi</returns>
    public async Task<string> OwnedMonitorAsync(string bootKey, CancellationToken cancellation)
    {
        _ = await MonitorAsync(cancellation).ConfigureAwait(false);
        var image = Path.Combine(BlackBoxPaths.Images, "monitor-owned.efi");
        await new BuildStep(
            "monitor for UEFI with this host's boot key",
            ["src/Monitor", "src/Shield", "src/Cryptography", "src/Freestanding", "src/Abi/Generated", "build", .. Common],
            [image],
            [await File.ReadAllTextAsync(bootKey, cancellation).ConfigureAwait(false)],
            (onLine, stop) => DotnetAsync(["build", Project("src/Monitor/UefiImage/BlackBox.Monitor.Uefi.Image.csproj"), $"-p:BootKey={bootKey}", "-p:Flavour=-owned"], onLine, stop))
            .RunAsync(progress, cancellation).ConfigureAwait(false);
        return image;
    }

    /// <summary>The module for the guest's kernel.</summary>
    /// <returns>blackbox.ko, without debug information.</returns>
    public async Task<string> ModuleAsync(CancellationToken cancellation)
    {
        var folder = Path.Combine(GuestFolder, "module", kernel.Release);
        var stripped = Path.Combine(folder, "stripped", "blackbox.ko");
        await new BuildStep(
            "blackbox.ko",
            ["src/LinuxModule", "src/Abi/Generated/blackbox_abi.h"],
            [stripped],
            [kernel.Headers],
            async (onLine, stop) =>
            {
                await MakeAsync("src/LinuxModule", folder, onLine, stop).ConfigureAwait(false);
                await StripAsync(Path.Combine(folder, "blackbox.ko"), stripped, stop).ConfigureAwait(false);
            }).RunAsync(progress, cancellation).ConfigureAwait(false);
        return stripped;
    }

    /// <summary>The OCI runtime, a static program.</summary>
    public async Task<string> RuntimeAsync(CancellationToken cancellation)
    {
        var program = Path.Combine(Artifacts, "publish", "BlackBox.Runtime", "release_linux-arm64", "blackbox-runtime");
        await new BuildStep(
            "blackbox-runtime",
            ["src/Runtime", .. Common],
            [program],
            [],
            (onLine, stop) => DotnetAsync(["publish", Project("src/Runtime/BlackBox.Runtime.csproj")], onLine, stop))
            .RunAsync(progress, cancellation).ConfigureAwait(false);
        return program;
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
                await MakeAsync("src/Guest/dumper", folder, onLine, stop).ConfigureAwait(false);
                await StripAsync(Path.Combine(folder, "bb_dumper.ko"), module, stop).ConfigureAwait(false);
            }).RunAsync(progress, cancellation).ConfigureAwait(false);
        return (module, program);
    }

    private static string Project(string path) => Path.Combine(BlackBoxPaths.Repository, path);

    /// <summary>Runs the SDK, and leaves none of its servers behind.</summary>
    private static async Task DotnetAsync(IReadOnlyList<string> arguments, Action<string> onLine, CancellationToken cancellation)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        var result = await ExternalProcess.RunAsync(
            dotnet,
            [.. arguments, "-c", "Release", "-v", "minimal", "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false"],
            cancellation,
            BlackBoxPaths.Repository,
            new Dictionary<string, string> { ["MSBUILDDISABLENODEREUSE"] = "1", ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0" },
            onLine).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            throw Failed($"dotnet {arguments[0]} {Path.GetFileName(arguments[1])}", result);
        }
    }

    private async Task MakeAsync(string source, string folder, Action<string> onLine, CancellationToken cancellation)
    {
        var result = await ExternalProcess.RunAsync(
            "make", ["-C", Project(source), $"KDIR={kernel.Headers}", $"OUTPUT={folder}"], cancellation, onLine: onLine).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            throw Failed($"make -C {source}", result);
        }
    }

    private static Task StripAsync(string module, string target, CancellationToken cancellation) => AtomicOutput.WriteFileByNameAsync(target, async file =>
        await ExternalProcess.RunCheckedAsync("aarch64-linux-gnu-objcopy", ["--strip-debug", module, file], cancellation).ConfigureAwait(false));

    private static BlackBoxException Failed(string what, ProcessResult result)
    {
        var errors = $"{result.Output}\n{result.Error}".Split('\n')
            .Where(line => line.Contains("error", StringComparison.OrdinalIgnoreCase)).Select(line => line.Trim()).Distinct().Take(5).ToList();
        return new BlackBoxException($"{what} failed (exit code {result.ExitCode}): {(errors.Count > 0 ? string.Join("\n  ", errors) : result.Tail())}", "run ./blackbox doctor to see whether a tool is missing");
    }
}
