using BlackBox.Hosting;

namespace BlackBox.Building;

/// <summary>How the product's parts are made in one tree of sources: this repository's, or a copy of it.</summary>
/// <param name="root">Folder of the tree.</param>
/// <param name="environment">Variables for the programs that build.</param>
internal sealed class ProductSources(string root, IReadOnlyDictionary<string, string>? environment = null)
{
    /// <summary>Files that steer every build.</summary>
    public static readonly string[] Common = ["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "global.json"];

    /// <summary>What monitor and shield are made of.</summary>
    public static readonly string[] Monitor = ["src/Monitor", "src/Shield", "src/Cryptography", "src/Freestanding", "src/Abi/Generated", "build", .. Common];

    /// <summary>What the module is made of, beside the kernel's headers.</summary>
    public static readonly string[] Module = ["src/LinuxModule", "src/Abi/Generated/blackbox_abi.h"];

    /// <summary>What the runtime is made of.</summary>
    public static readonly string[] Runtime = ["src/Runtime", .. Common];

    private const string UefiProject = "src/Monitor/UefiImage/BlackBox.Monitor.Uefi.Image.csproj";

    public string Root { get; } = Path.GetFullPath(root);

    public string MonitorImage => Image("monitor.bin");

    public string ShieldImage => Image("shield.bin");

    public string UefiImage => Image("monitor.efi");

    /// <summary>The same with an owner's boot key.</summary>
    public string OwnedImage => Image("monitor-owned.efi");

    public string RuntimeProgram => Path.Combine(Root, "artifacts", "publish", "BlackBox.Runtime", "release_linux-arm64", "blackbox-runtime");

    /// <summary>The module for a kernel, without debug information.</summary>
    public string ModuleFor(string release) => Path.Combine(ModuleFolder(release), "stripped", "blackbox.ko");

    public Task MakeMonitorAsync(Action<string> onLine, CancellationToken cancellation) => DotnetAsync("build", "src/Monitor/Image/BlackBox.Monitor.Image.csproj", [], onLine, cancellation);

    /// <summary>With monitor and shield, which are in it.</summary>
    public Task MakeUefiAsync(Action<string> onLine, CancellationToken cancellation) => DotnetAsync("build", UefiProject, [], onLine, cancellation);

    /// <param name="bootKey">C# file with the owner's boot key.</param>
    public Task MakeOwnedUefiAsync(string bootKey, Action<string> onLine, CancellationToken cancellation) =>
        DotnetAsync("build", UefiProject, [$"-p:BootKey={bootKey}", "-p:Flavour=-owned"], onLine, cancellation);

    public Task MakeRuntimeAsync(Action<string> onLine, CancellationToken cancellation) => DotnetAsync("publish", "src/Runtime/BlackBox.Runtime.csproj", [], onLine, cancellation);

    /// <param name="release">The kernel's name for itself.</param>
    /// <param name="headers">Its prepared headers.</param>
    public async Task MakeModuleAsync(string release, string headers, Action<string> onLine, CancellationToken cancellation)
    {
        await MakeAsync("src/LinuxModule", headers, ModuleFolder(release), onLine, cancellation).ConfigureAwait(false);
        await StripAsync(Path.Combine(ModuleFolder(release), "blackbox.ko"), ModuleFor(release), cancellation).ConfigureAwait(false);
    }

    /// <summary>A module's own Makefile, for any module of the tree.</summary>
    public async Task MakeAsync(string source, string headers, string output, Action<string> onLine, CancellationToken cancellation)
    {
        var result = await ExternalProcess.RunAsync(
            "make", ["-C", Path.Combine(Root, source), $"KDIR={headers}", $"OUTPUT={output}"], cancellation, environment: environment, onLine: onLine).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            throw Failed($"make -C {source}", result);
        }
    }

    public static Task StripAsync(string module, string target, CancellationToken cancellation) => AtomicOutput.WriteFileByNameAsync(target, async file =>
        await ExternalProcess.RunCheckedAsync("aarch64-linux-gnu-objcopy", ["--strip-debug", module, file], cancellation).ConfigureAwait(false));

    private string Image(string name) => Path.Combine(Root, "artifacts", "images", name);

    private string ModuleFolder(string release) => Path.Combine(Root, "artifacts", "guest", "module", release);

    /// <summary>Runs the SDK, and leaves none of its servers behind.</summary>
    private async Task DotnetAsync(string verb, string project, string[] properties, Action<string> onLine, CancellationToken cancellation)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        var result = await ExternalProcess.RunAsync(
            dotnet,
            [verb, Path.Combine(Root, project), "-c", "Release", "-v", "minimal", "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false", .. properties],
            cancellation,
            Root,
            new Dictionary<string, string>(environment ?? new Dictionary<string, string>()) { ["MSBUILDDISABLENODEREUSE"] = "1", ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0" },
            onLine).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            throw Failed($"dotnet {verb} {Path.GetFileName(project)}", result);
        }
    }

    private static BlackBoxException Failed(string what, ProcessResult result)
    {
        var errors = $"{result.Output}\n{result.Error}".Split('\n')
            .Where(line => line.Contains("error", StringComparison.OrdinalIgnoreCase)).Select(line => line.Trim()).Distinct().Take(5).ToList();
        return new BlackBoxException($"{what} failed (exit code {result.ExitCode}): {(errors.Count > 0 ? string.Join("\n  ", errors) : result.Tail())}", "run ./blackbox doctor to see whether a tool is missing");
    }
}
