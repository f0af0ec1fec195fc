using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using BlackBox.Debian;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Guest;

/// <summary>
/// The guest's initial RAM disk: busybox, init and agent, modules, and whatever the caller adds. It is a row of cpio
/// archives, which Linux unpacks one after another.
/// </summary>
public sealed class GuestInitrd
{
    private readonly string _base;
    private readonly List<RootFilesystem> _parts = [];

    private GuestInitrd(string baseArchive) => _base = baseArchive;

    /// <summary>Starts a RAM disk with the base archive, which is made when the cache has not got it.</summary>
    public static async Task<GuestInitrd> CreateAsync(string cache, DebianArchive debian, IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        // The archive's name holds what it is made of. busybox is asked for only if there is none at all, so that a
        // machine can start without network.
        var scripts = ReadScripts();
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', scripts.OrderBy(item => item.Key).Select(item => item.Key + '\0' + item.Value)))))[..16];
        var archive = Path.Combine(cache, "guest", $"base-{hash}.cpio");
        if (!File.Exists(archive))
        {
            progress.Report(new StepUpdate("Guest base system", 0, "busybox, init, agent"));
            var busybox = await BusyboxAsync(cache, debian, cancellation).ConfigureAwait(false);
            await AtomicOutput.WriteFileAsync(archive, file =>
            {
                CpioWriter.Write(BaseFiles(scripts, busybox), file);
                return Task.CompletedTask;
            }).ConfigureAwait(false);
            progress.Report(new StepUpdate("Guest base system", 1, "ready"));
        }

        return new GuestInitrd(archive);
    }

    /// <summary>Adds files; where a path is there twice, the later one counts.</summary>
    public void Add(RootFilesystem files) => _parts.Add(UsrMerge.Apply(files));

    /// <summary>Writes the whole RAM disk.</summary>
    public async Task WriteAsync(string path, CancellationToken cancellation)
    {
        await AtomicOutput.WriteFileAsync(path, async file =>
        {
            using (var source = File.OpenRead(_base))
            {
                await source.CopyToAsync(file, cancellation).ConfigureAwait(false);
            }

            foreach (var part in _parts)
            {
                cancellation.ThrowIfCancellationRequested();
                CpioWriter.Write(part, file);
            }
        }).ConfigureAwait(false);
    }

    private static async Task<string> BusyboxAsync(string cache, DebianArchive debian, CancellationToken cancellation)
    {
        var path = Path.Combine(cache, "guest", "busybox");
        if (!File.Exists(path))
        {
            var package = await debian.FindAsync("busybox-static", "arm64", cancellation).ConfigureAwait(false);
            var file = (await debian.DownloadAsync([package], cancellation).ConfigureAwait(false))[0];
            var tree = await PackagePool.ReadAsync(cache, file, cancellation).ConfigureAwait(false);
            var entry = tree["/usr/bin/busybox"] ?? throw new BlackBoxException("Debian's busybox-static holds no /bin/busybox");
            await AtomicOutput.WriteFileAsync(path, async output =>
            {
                using var content = entry.Content!.Open();
                await content.CopyToAsync(output, cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
        }

        return path;
    }

    private static RootFilesystem BaseFiles(Dictionary<string, string> scripts, string busybox)
    {
        var root = new RootFilesystem();
        UsrMerge.AddLinks(root);
        foreach (var folder in (string[])["/proc", "/sys", "/dev", "/run", "/tmp", "/mnt", "/root", "/etc", "/usr/local", "/var/tmp"])
        {
            root.Add(RootEntry.Directory(RootPath.Parse(folder)));
        }

        root.Add(RootEntry.Device(RootPath.Parse("/dev/console"), isBlock: false, 5, 1, 0x180));
        root.Add(RootEntry.Device(RootPath.Parse("/dev/null"), isBlock: false, 1, 3));
        root.Add(RootEntry.File(RootPath.Parse("/usr/bin/busybox"), ContentSource.FromFile(busybox), 0x1ED));
        root.Add(RootEntry.Link(RootPath.Parse("/usr/bin/sh"), "busybox"));
        root.Add(Text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"));
        root.Add(Text("/etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"));
        root.Add(Text("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 blackbox\n"));
        root.Add(Text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"));
        root.Add(Text("/init", scripts["init"], 0x1ED));
        root.Add(Text("/usr/lib/blackbox/agent", scripts["agent"], 0x1ED));
        root.Add(Text("/usr/lib/blackbox/questions", scripts["questions"], 0x1ED));
        return root;
    }

    private static RootEntry Text(string path, string text, int mode = 0x1A4) =>
        RootEntry.File(RootPath.Parse(path), ContentSource.FromText(text), mode);

    private static Dictionary<string, string> ReadScripts()
    {
        const string Prefix = "Guest/";
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).ToDictionary(
            name => name[Prefix.Length..],
            name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                return reader.ReadToEnd();
            });
    }
}
