using System.Text;
using BlackBox.Hosting;

namespace BlackBox.Boot;

/// <summary>The monitor's files on an EFI system partition.</summary>
public static class SystemPartition
{
    /// <summary>Where firmware looks for an application by itself.</summary>
    public const string Application = "EFI/BOOT/BOOTAA64.EFI";

    /// <summary>The monitor's folder: kernel, initrd, cmdline, manifest.</summary>
    public const string Folder = "EFI/BlackBox";

    /// <summary>File in <see cref="Folder"/> with the boot key's approval of the state that this boot will be.</summary>
    public const string Approval = "approval";

    private const long Slack = 8L << 20;

    /// <summary>Writes the files below a folder: a mounted partition, or one that becomes an image.</summary>
    /// <param name="application">the signed application</param>
    public static async Task WriteFolderAsync(string root, string application, BootFiles files, BootKeyPair key, DateTimeOffset time, long counter, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(files);
        var manifest = await BootManifestFile.CreateAsync(files, key, time, counter, cancellation).ConfigureAwait(false);
        var folder = Path.Combine(root, Folder);
        Directory.CreateDirectory(folder);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root, Application))!);
        File.Copy(files.Kernel, Path.Combine(folder, "kernel"), overwrite: true);
        File.Copy(files.Initrd, Path.Combine(folder, "initrd"), overwrite: true);
        await File.WriteAllTextAsync(Path.Combine(folder, "cmdline"), files.CommandLine, Encoding.ASCII, cancellation).ConfigureAwait(false);
        await File.WriteAllBytesAsync(Path.Combine(folder, "manifest"), manifest, cancellation).ConfigureAwait(false);
        File.Copy(application, Path.Combine(root, Application), overwrite: true);
    }

    /// <summary>Approves the boot of what <see cref="WriteFolderAsync"/> has written.</summary>
    /// <param name="pcr4">what the firmware will have measured of the application</param>
    /// <param name="pcr7">and of Secure Boot's keys</param>
    public static async Task WriteApprovalAsync(string root, byte[] pcr4, byte[] pcr7, BootKeyPair key, CancellationToken cancellation)
    {
        var folder = Path.Combine(root, Folder);
        var state = BootApproval.State(pcr4, pcr7, await BootMeasurements.Pcr12Async(folder, cancellation).ConfigureAwait(false));
        await File.WriteAllBytesAsync(Path.Combine(folder, Approval), BootApproval.Create(state, key), cancellation).ConfigureAwait(false);
    }

    /// <summary>Makes a FAT32 image of what <see cref="WriteFolderAsync"/> has written.</summary>
    public static async Task WriteImageAsync(string root, string image, CancellationToken cancellation)
    {
        var size = new DirectoryInfo(root).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) + Slack;
        using (var file = new FileStream(image, FileMode.Create, FileAccess.Write))
        {
            // FAT32 begins at 65,525 clusters: below 32 MiB even those of one sector are too few.
            file.SetLength((Math.Max(size, 40L << 20) + 0xfffff) & ~0xfffffL);
        }

        var mtools = new Dictionary<string, string> { ["MTOOLS_SKIP_CHECK"] = "1" };
        await ExternalProcess.RunCheckedAsync("mformat", ["-i", image, "-F", "::"], cancellation, environment: mtools).ConfigureAwait(false);
        await ExternalProcess.RunCheckedAsync("mcopy", ["-i", image, "-s", "-Q", Path.Combine(root, "EFI"), "::"], cancellation, environment: mtools).ConfigureAwait(false);
    }
}
