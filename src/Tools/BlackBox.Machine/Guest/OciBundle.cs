using System.Text.Json;
using System.Text.Json.Nodes;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Guest;

/// <summary>
/// An OCI runtime bundle (opencontainers/runtime-spec 1.0): config.json and rootfs, as files for the guest's RAM disk.
/// The container gets namespaces, cgroup, masks and capabilities as container engines set them; it shares the guest's
/// network, so that a forwarded port leads straight to it.
/// </summary>
public static class OciBundle
{
    /// <summary>Folder of all bundles in the guest.</summary>
    public const string Folder = "/containers";

    private static readonly string[] Capabilities =
    [
        "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
        "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
    ];

    private static readonly string[] Masked =
    [
        "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
        "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
    ];

    private static readonly string[] ReadOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    /// <summary>The bundle /containers/ID.</summary>
    /// <param name="content">Root file system and what the image says about starting it.</param>
    /// <param name="id">Name of the container: two characters or more (runc's rule), of a-z, A-Z, 0-9, '_', '.', '-'.</param>
    /// <param name="arguments">Instead of the image's default command.</param>
    /// <param name="memoryLimit">Limit for the container's cgroup in bytes, or null.</param>
    public static RootFilesystem Create(ImageContent content, string id, IReadOnlyList<string>? arguments = null, long? memoryLimit = null)
    {
        ArgumentNullException.ThrowIfNull(content);
        CheckId(id);
        var bundle = RootPath.Parse($"{Folder}/{id}");
        var result = new RootFilesystem();
        result.Add(RootEntry.Directory(bundle, 0x1C0));
        result.Add(RootEntry.File(bundle.Combine("config.json"), ContentSource.FromBytes(Configuration(content.Configuration, id, arguments, memoryLimit)), 0x180));
        var root = bundle.Combine("rootfs");
        foreach (var entry in content.Root.Entries)
        {
            result.Add(entry.At(entry.Path.IsRoot ? root : root.Combine(entry.Path.Relative)));
        }

        return result;
    }

    /// <summary>config.json as UTF-8.</summary>
    /// <inheritdoc cref="Create"/>
    public static byte[] Configuration(ImageConfiguration image, string id, IReadOnlyList<string>? arguments, long? memoryLimit)
    {
        ArgumentNullException.ThrowIfNull(image);
        string[] words = [.. image.Entrypoint, .. arguments ?? image.Command];
        if (words.Length == 0)
        {
            throw new BlackBoxException($"image {image.Name} names no program to start", "give one after --");
        }

        var environment = image.Environment.Any(item => item.StartsWith("PATH=", StringComparison.Ordinal))
            ? image.Environment
            : [.. image.Environment, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
        var resources = new JsonObject
        {
            ["devices"] = new JsonArray { new JsonObject { ["allow"] = false, ["access"] = "rwm" } },
        };
        if (memoryLimit is { } limit)
        {
            resources["memory"] = new JsonObject { ["limit"] = limit };
        }

        var root = new JsonObject
        {
            ["ociVersion"] = "1.0.2",
            ["process"] = new JsonObject
            {
                ["terminal"] = false,
                ["user"] = new JsonObject { ["uid"] = image.UserId, ["gid"] = image.GroupId },
                ["args"] = Strings(words),
                ["env"] = Strings(environment),
                ["cwd"] = image.WorkingDirectory,
                ["capabilities"] = new JsonObject
                {
                    ["bounding"] = Strings(Capabilities),
                    ["effective"] = Strings(Capabilities),
                    ["permitted"] = Strings(Capabilities),
                },
                ["rlimits"] = new JsonArray { new JsonObject { ["type"] = "RLIMIT_NOFILE", ["hard"] = 65536, ["soft"] = 65536 } },
                ["noNewPrivileges"] = true,
            },
            ["root"] = new JsonObject { ["path"] = "rootfs", ["readonly"] = false },
            ["hostname"] = id,
            ["mounts"] = Mounts(),
            ["linux"] = new JsonObject
            {
                ["cgroupsPath"] = $"/blackbox/{id}",
                ["resources"] = resources,
                ["namespaces"] = new JsonArray([.. ((string[])["pid", "ipc", "uts", "mount", "cgroup"]).Select(type => (JsonNode)new JsonObject { ["type"] = type })]),
                ["maskedPaths"] = Strings(Masked),
                ["readonlyPaths"] = Strings(ReadOnly),
            },
        };
        return JsonSerializer.SerializeToUtf8Bytes(root);
    }

    private static void CheckId(string id)
    {
        if (id.Length < 2 || !id.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '.' or '-') || id[0] is '.' or '-')
        {
            throw new BlackBoxException($"'{id}' is not a name for a container", "use two or more of a-z, A-Z, 0-9, '_', '.', '-'");
        }
    }

    private static JsonArray Mounts() =>
    [
        Mount("/proc", "proc", "proc"),
        Mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        Mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        Mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
        Mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        Mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"),
        Mount("/run", "tmpfs", "tmpfs", "nosuid", "nodev", "mode=755"),
    ];

    private static JsonObject Mount(string destination, string type, string source, params string[] options) => new()
    {
        ["destination"] = destination,
        ["type"] = type,
        ["source"] = source,
        ["options"] = Strings(options),
    };

    private static JsonArray Strings(IEnumerable<string> items) => new([.. items.Select(item => (JsonNode)item)]);
}
