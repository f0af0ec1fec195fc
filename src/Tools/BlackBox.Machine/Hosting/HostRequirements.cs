namespace BlackBox.Hosting;

/// <summary>How much is lost when a requirement is not met.</summary>
public enum RequirementKind
{
    /// <summary>Nothing works without it.</summary>
    Needed,

    /// <summary>Some commands do not work without it.</summary>
    Optional,
}

/// <summary>The result of looking for one thing.</summary>
/// <param name="Name">Short name, stable for programs that read it.</param>
/// <param name="Purpose">What it is for.</param>
/// <param name="Found">Present and usable.</param>
/// <param name="Detail">Where it is, which version, or what is wrong.</param>
/// <param name="Remedy">The exact command that gets it; null when nothing has to be done.</param>
/// <param name="DebianPackage">The package <c>setup</c> installs for it, or null.</param>
public sealed record Requirement(string Name, RequirementKind Kind, string Purpose, bool Found, string Detail, string? Remedy, string? DebianPackage);

/// <summary>What this host must have.</summary>
public static class HostRequirements
{
    /// <summary>Free space for packages, kernel, images and builds, in bytes.</summary>
    private const long DiskSpace = 4L << 30;

    private sealed record ProgramNeed(string Program, string Package, string Purpose, RequirementKind Kind = RequirementKind.Needed);

    private static readonly ProgramNeed[] Programs =
    [
        new("qemu-system-aarch64", "qemu-system-arm", "emulates the Arm server"),
        new("aarch64-linux-gnu-gcc-12", "gcc-12-aarch64-linux-gnu", "assembles monitor and shield, compiles the kernel module"),
        new("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu", "assembles monitor and shield, compiles the kernel module"),
        new("aarch64-linux-gnu-objcopy", "binutils-aarch64-linux-gnu", "turns linked programs into images"),
        new("ld.lld", "lld", "links monitor and shield"),
        new("sbsign", "sbsigntool", "signs the monitor for Secure Boot"),
        new("mcopy", "mtools", "makes the EFI system partition of an emulated machine"),
        new("swtpm", "swtpm", "the emulated machine's TPM"),
        new("swtpm_setup", "swtpm-tools", "the emulated machine's TPM"),
        new("make", "make", "runs the kernel's module build"),
        new("dpkg-deb", "dpkg", "unpacks Debian packages"),
        new("apt-get", "apt", "downloads Debian packages"),
        new("gdb-multiarch", "gdb-multiarch", "debugs monitor, shield and kernel", RequirementKind.Optional),
    ];

    /// <summary>Looks for everything.</summary>
    public static IReadOnlyList<Requirement> Check(string cache)
    {
        var list = new List<Requirement>();
        foreach (var need in Programs)
        {
            var path = ExternalProcess.Find(need.Program);
            list.Add(new Requirement(need.Program, need.Kind, need.Purpose, path is not null, path ?? "not found",
                path is null ? AptCommand(need.Package) : null, need.Package));
        }

        list.Add(CheckLibrary());
        list.Add(CheckFirmware());
        list.Add(CheckKeyring());
        list.Add(CheckSpace(cache));
        var kernel = Guest.GuestKernel.Installed(cache);
        list.Add(new Requirement("guest-kernel", RequirementKind.Needed, "Debian's stock arm64 kernel with modules and headers",
            kernel is not null, kernel?.Release ?? "not downloaded yet", kernel is null ? "./blackbox setup" : null, null));
        return list;
    }

    /// <summary>The command that installs packages on this host, for a user with or without root rights.</summary>
    public static string AptCommand(params IEnumerable<string> packages) =>
        $"{(Environment.IsPrivilegedProcess ? "" : "sudo ")}apt-get install -y --no-install-recommends {string.Join(' ', packages)}";

    private static Requirement CheckLibrary()
    {
        const string Path = "/usr/aarch64-linux-gnu/lib/libc.a";
        const string Package = "libc6-dev-arm64-cross";
        var found = File.Exists(Path);
        return new Requirement("arm64-libc", RequirementKind.Needed, "links the guest's programs", found, found ? Path : "not found", found ? null : AptCommand(Package), Package);
    }

    private static Requirement CheckFirmware()
    {
        const string Path = "/usr/share/AAVMF/AAVMF_CODE.fd";
        const string Package = "qemu-efi-aarch64";
        var found = File.Exists(Path);
        return new Requirement("uefi-firmware", RequirementKind.Needed, "starts the signed monitor in the emulated machine", found, found ? Path : "not found", found ? null : AptCommand(Package), Package);
    }

    private static Requirement CheckKeyring()
    {
        const string Path = "/usr/share/keyrings/debian-archive-keyring.gpg";
        var found = File.Exists(Path);
        return new Requirement("debian-archive-keyring", RequirementKind.Needed, "checks Debian's signatures", found,
            found ? Path : "not found: is this Debian?", found ? null : AptCommand("debian-archive-keyring"), "debian-archive-keyring");
    }

    private static Requirement CheckSpace(string cache)
    {
        var folder = cache;
        while (!Directory.Exists(folder))
        {
            folder = System.IO.Path.GetDirectoryName(folder)!;
        }

        var free = new DriveInfo(folder).AvailableFreeSpace;
        var enough = free >= DiskSpace || Guest.GuestKernel.Installed(cache) is not null && free >= DiskSpace / 8;
        return new Requirement("disk-space", RequirementKind.Needed, $"packages and images in {cache}", enough,
            $"{free / (1 << 20)} MiB free", enough ? null : "free some space, or set BLACKBOX_CACHE to a folder on a larger disk", null);
    }
}
