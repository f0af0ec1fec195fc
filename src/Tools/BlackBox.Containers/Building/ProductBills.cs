using System.Text.RegularExpressions;
using System.Xml.Linq;
using BlackBox.Guest;
using BlackBox.Hosting;

namespace BlackBox.Building;

/// <summary>Bills of materials of the product's parts: which packages, libraries and tools each is made of, read from what its build used.</summary>
public static partial class ProductBills
{
    /// <summary>The command-line tool's own name.</summary>
    public const string CommandLine = "blackbox.dll";

    private const string License = "MIT";
    private const string ModuleLicense = "GPL-2.0-only";

    /// <summary>Debian packages that build bare-metal images.</summary>
    private static readonly string[] ImageTools = ["gcc-12-aarch64-linux-gnu", "binutils-aarch64-linux-gnu", "lld"];

    /// <summary>Writes NAME.cdx.json for each part, and for the command-line tool.</summary>
    /// <param name="artefacts">What <see cref="ProductBuild.BuildAllAsync"/> returned.</param>
    /// <param name="kernel">The kernel that the module was built for.</param>
    /// <param name="folder">Where the files go.</param>
    /// <returns>The files.</returns>
    public static async Task<IReadOnlyList<string>> WriteAsync(IReadOnlyList<Artefact> artefacts, GuestKernel kernel, string folder, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(artefacts);
        ArgumentNullException.ThrowIfNull(kernel);
        var version = Version();
        var tool = Artefact.Read(Path.Combine(BlackBoxPaths.Repository, "artifacts", "bin", "BlackBox.Cli", "release", CommandLine));
        Directory.CreateDirectory(folder);
        List<string> files = [];
        foreach (var artefact in artefacts.Append(tool))
        {
            var (type, license, components) = await ComponentsAsync(artefact.Name, artefacts, kernel, version, cancellation).ConfigureAwait(false);
            var text = BillOfMaterials.Create(artefact, type, version, license, components);
            var file = Path.Combine(folder, artefact.Name + ".cdx.json");
            await AtomicOutput.WriteFileAsync(file, async stream => await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text), cancellation).ConfigureAwait(false)).ConfigureAwait(false);
            files.Add(file);
        }

        return files;
    }

    /// <summary>The packages of a project of this repository.</summary>
    public static IReadOnlyList<BillComponent> PackagesOf(string project) =>
        NuGetAssets.Read(Path.Combine(BlackBoxPaths.Repository, "artifacts", "obj", project, "project.assets.json"));

    private static async Task<(string Type, string License, IReadOnlyList<BillComponent> Components)> ComponentsAsync(
        string name, IReadOnlyList<Artefact> artefacts, GuestKernel kernel, string version, CancellationToken cancellation)
    {
        BillComponent Within(string part) => new("firmware", part, version, IsPart: true)
        {
            License = License,
            Hash = ("SHA-256", artefacts.Single(artefact => artefact.Name == part).Digest),
        };
        return name switch
        {
            "shield.bin" => ("firmware", License, [.. PackagesOf("BlackBox.Shield.Image"), .. await DebianAsync(ImageTools, false, cancellation).ConfigureAwait(false)]),
            "monitor.bin" => ("firmware", License, [Within("shield.bin"), .. PackagesOf("BlackBox.Monitor.Image"), .. await DebianAsync(ImageTools, false, cancellation).ConfigureAwait(false)]),
            "monitor.efi" => ("firmware", License, [Within("monitor.bin"), .. PackagesOf("BlackBox.Monitor.Uefi.Image"), .. await DebianAsync(ImageTools, false, cancellation).ConfigureAwait(false)]),
            "blackbox.ko" => ("device-driver", ModuleLicense, [Headers(kernel), .. await DebianAsync(["gcc-12-aarch64-linux-gnu", "binutils-aarch64-linux-gnu"], false, cancellation).ConfigureAwait(false)]),
            "blackbox-runtime" => ("application", License,
            [
                .. PackagesOf("BlackBox.Runtime"),
                .. await DebianAsync(["libc6-dev-arm64-cross", "libgcc-12-dev-arm64-cross"], true, cancellation).ConfigureAwait(false),
                .. await DebianAsync(["gcc-12-aarch64-linux-gnu", "binutils-aarch64-linux-gnu"], false, cancellation).ConfigureAwait(false),
            ]),
            CommandLine => ("application", License, PackagesOf("BlackBox.Cli")),
            _ => throw new ArgumentException($"no bill is known for {name}", nameof(name)),
        };
    }

    /// <summary>Debian's headers: macros and inline functions of them are in the module.</summary>
    private static BillComponent Headers(GuestKernel kernel)
    {
        var stamp = File.ReadAllText(Path.Combine(kernel.Folder, "complete"));
        var version = ImageLine().Match(stamp) is { Success: true } line ? line.Groups["version"].Value : kernel.Release;
        return new BillComponent("library", "linux-headers-" + kernel.Release, version, IsPart: true)
        {
            PackageUrl = $"pkg:deb/debian/linux-headers-{kernel.Release}@{Uri.EscapeDataString(version)}?arch=arm64",
            License = ModuleLicense,
        };
    }

    /// <summary>Debian packages as they are installed on this host; what is not installed was not used.</summary>
    private static async Task<IReadOnlyList<BillComponent>> DebianAsync(string[] packages, bool isPart, CancellationToken cancellation)
    {
        if (ExternalProcess.Find("dpkg-query") is not { } query)
        {
            return [];
        }

        var result = await ExternalProcess.RunAsync(query, ["-W", "-f", "${Package} ${Version} ${Architecture} ${db:Status-Status}\n", .. packages], cancellation).ConfigureAwait(false);
        return [.. result.Output.Split('\n').Select(line => line.Split(' ')).Where(words => words is [_, _, _, "installed"])
            .Select(words => new BillComponent(isPart ? "library" : "application", words[0], words[1], isPart)
            {
                PackageUrl = $"pkg:deb/debian/{words[0]}@{Uri.EscapeDataString(words[1])}?arch={words[2]}",
            })];
    }

    private static string Version() =>
        XDocument.Load(Path.Combine(BlackBoxPaths.Repository, "Directory.Build.props")).Descendants("Version").Single().Value;

    [GeneratedRegex(@"^linux-image-\S+ (?<version>\S+)", RegexOptions.Multiline)]
    private static partial Regex ImageLine();
}
