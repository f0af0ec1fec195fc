using BlackBox.Debian;
using BlackBox.Hosting;

namespace BlackBox.Guest;

/// <summary>
/// Debian's stock arm64 kernel with its modules and with a headers tree against which a module can be built on this
/// host. The package is found through the metapackage linux-image-arm64, because the ABI number in the real name
/// changes with security updates. Once unpacked, a kernel stays until <c>setup --update</c> asks for a newer one.
/// </summary>
public sealed class GuestKernel
{
    private const string Step = "Debian kernel for the guest";
    private const string CompleteMark = "complete";

    private GuestKernel(string folder, string release)
    {
        Folder = folder;
        Release = release;
    }

    /// <summary>All of it: cache/kernel/RELEASE.</summary>
    public string Folder { get; }

    /// <summary>The kernel's own name for itself (uname -r).</summary>
    public string Release { get; }

    /// <summary>The kernel: an uncompressed arm64 Image.</summary>
    public string Image => Path.Combine(Folder, "image", "boot", $"vmlinuz-{Release}");

    public string SystemMap => Path.Combine(Folder, "image", "boot", $"System.map-{Release}");

    /// <summary>The modules as the package has them.</summary>
    public string Modules => Path.Combine(Folder, "image", "lib", "modules", Release);

    /// <summary>For <c>make -C</c>: the prepared headers tree.</summary>
    public string Headers => Path.Combine(Folder, "headers", "usr", "src", $"linux-headers-{Release}");

    /// <summary>The kernel that is unpacked already, or null.</summary>
    public static GuestKernel? Installed(string cache)
    {
        var current = new FileInfo(Path.Combine(cache, "kernel", "current"));
        if (current.LinkTarget is not { } release)
        {
            return null;
        }

        var folder = Path.Combine(cache, "kernel", release);
        return File.Exists(Path.Combine(folder, CompleteMark)) ? new GuestKernel(folder, release) : null;
    }

    /// <summary>Returns the kernel, after downloading and unpacking it if need be.</summary>
    /// <param name="update">Asks Debian for a newer one even if one is there.</param>
    public static async Task<GuestKernel> EnsureAsync(
        string cache, DebianArchive debian, IProgress<StepUpdate> progress, bool update, CancellationToken cancellation)
    {
        if (!update && Installed(cache) is { } installed)
        {
            return installed;
        }

        using var guard = await CacheLock.AcquireAsync(
            Path.Combine(cache, "kernel", "lock"),
            () => progress.Report(new StepUpdate(Step, double.NaN, "waiting for another run of the tools")),
            cancellation).ConfigureAwait(false);
        if (!update && Installed(cache) is { } made)
        {
            return made;
        }

        progress.Report(new StepUpdate(Step, 0, "asking Debian for the current version"));
        var packages = await debian.ResolveAsync(["linux-image-arm64", "linux-headers-arm64"], cancellation).ConfigureAwait(false);
        var image = packages.LastOrDefault(package => package.Name.StartsWith("linux-image-", StringComparison.Ordinal) && package.Name != "linux-image-arm64")
            ?? throw new BlackBoxException("Debian's linux-image-arm64 names no kernel package");
        var release = image.Name["linux-image-".Length..];
        var headers = packages.Where(package => package.Name.StartsWith("linux-headers-", StringComparison.Ordinal) && package.Name != "linux-headers-arm64").ToList();
        var kbuildName = packages.First(package => package.Name.StartsWith("linux-kbuild-", StringComparison.Ordinal)).Name;

        // The build programs in it (modpost, fixdep) run here, so they are of this host's architecture.
        var kbuild = await debian.FindAsync(kbuildName, HostArchitecture, cancellation).ConfigureAwait(false);
        var folder = Path.Combine(cache, "kernel", release);
        var stamp = $"{image}\n{kbuild}\n";
        var mark = Path.Combine(folder, CompleteMark);
        if (!File.Exists(mark) || await File.ReadAllTextAsync(mark, cancellation).ConfigureAwait(false) != stamp)
        {
            progress.Report(new StepUpdate(Step, 0.1, $"downloading {release}"));
            var imageFile = (await debian.DownloadAsync([image], cancellation).ConfigureAwait(false))[0];
            var headerFiles = await debian.DownloadAsync([.. headers, kbuild], cancellation).ConfigureAwait(false);
            progress.Report(new StepUpdate(Step, 0.5, $"unpacking {release}"));
            await AtomicOutput.WriteFolderAsync(folder, async target =>
            {
                await UnpackAsync(imageFile, Path.Combine(target, "image"), cancellation).ConfigureAwait(false);
                foreach (var file in headerFiles)
                {
                    await UnpackAsync(file, Path.Combine(target, "headers"), cancellation).ConfigureAwait(false);
                }

                progress.Report(new StepUpdate(Step, 0.9, "preparing the headers"));
                PrepareHeaders(new GuestKernel(target, release));
                Directory.CreateSymbolicLink(Path.Combine(target, "build"), Path.Combine("headers", "usr", "src", $"linux-headers-{release}"));
                File.CreateSymbolicLink(Path.Combine(target, "vmlinuz"), Path.Combine("image", "boot", $"vmlinuz-{release}"));
                await File.WriteAllTextAsync(Path.Combine(target, CompleteMark), stamp, cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
        }

        var result = new GuestKernel(folder, release);
        result.CheckImage();
        NativeFiles.ReplaceSymbolicLink(Path.Combine(cache, "kernel", "current"), release);
        progress.Report(new StepUpdate(Step, 1, release));
        return result;
    }

    private static string HostArchitecture => System.Runtime.InteropServices.RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        _ => "amd64",
    };

    private static Task<string> UnpackAsync(string package, string folder, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        return ExternalProcess.RunCheckedAsync("dpkg-deb", ["-x", package, folder], cancellation);
    }

    /// <summary>
    /// The packages expect to be in /usr/src and want the compiler of the machine they were built for: make the path
    /// relative and leave the compiler to the caller's command line.
    /// </summary>
    private static void PrepareHeaders(GuestKernel kernel)
    {
        var makefile = Path.Combine(kernel.Headers, "Makefile");
        var text = File.ReadAllText(makefile);
        var changed = text.Replace("include /usr/src/", "include $(dir $(lastword $(MAKEFILE_LIST)))../");
        if (changed == text)
        {
            throw new BlackBoxException($"the headers of Debian kernel {kernel.Release} are laid out in an unknown way");
        }

        File.WriteAllText(makefile, changed);
        var lines = File.ReadAllLines(Path.Combine(kernel.Headers, ".kernelvariables"));
        File.WriteAllLines(Path.Combine(kernel.Headers, ".kernelvariables"), lines.Where(line =>
            line.StartsWith("override ARCH", StringComparison.Ordinal) ||
            line.StartsWith("override KERNELRELEASE", StringComparison.Ordinal) ||
            line.StartsWith("DEBIAN_KERNEL_NO_CC_VERSION_CHECK", StringComparison.Ordinal)));
    }

    /// <summary>Arm64 boot protocol (Linux, Documentation/arm64/booting.rst): magic "ARM\x64" at offset 56. A compressed kernel has not got it.</summary>
    private void CheckImage()
    {
        var header = new byte[64];
        using var file = File.OpenRead(Image);
        file.ReadExactly(header);
        if (!header.AsSpan(56, 4).SequenceEqual("ARM\x64"u8))
        {
            throw new BlackBoxException($"{Image} is not an uncompressed arm64 kernel image");
        }
    }
}
