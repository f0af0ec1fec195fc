using System.Globalization;
using System.Text.RegularExpressions;
using BlackBox.Hosting;

namespace BlackBox.Debian;

/// <summary>
/// Debian packages for the guest (arm64) and build helpers of the host's own architecture, without touching the
/// host's package database: apt gets lists, status and archive folders of its own below the cache. The sources and
/// their keys are the host's (/etc/apt), so proxies and mirrors set up there are used. Needs no root rights.
/// </summary>
public sealed partial class DebianArchive
{
    private static readonly TimeSpan ListsAge = TimeSpan.FromDays(7);

    private readonly string _folder;
    private readonly IProgress<StepUpdate> _progress;

    public DebianArchive(string cache, IProgress<StepUpdate> progress)
    {
        _folder = Path.Combine(cache, "apt", "arm64");
        _progress = progress;
    }

    /// <summary>Downloaded packages.</summary>
    public string Archives => Path.Combine(_folder, "archives");

    private string ConfigurationFile => Path.Combine(_folder, "apt.conf");

    private string ListsStamp => Path.Combine(_folder, "lists.stamp");

    /// <summary>Fetches the package lists if there are none or they are older than a week (or <paramref name="force"/>).</summary>
    /// <exception cref="BlackBoxException">No list could be fetched and none is there.</exception>
    public async Task UpdateAsync(bool force, CancellationToken cancellation)
    {
        using var guard = await LockAsync(cancellation).ConfigureAwait(false);
        await UpdateLockedAsync(force, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// The packages with everything they depend on (without Recommends), in the order in which dpkg would unpack them.
    /// Essential packages that nothing depends on explicitly are not in it.
    /// </summary>
    /// <exception cref="BlackBoxException">apt does not know a package or cannot satisfy its dependencies.</exception>
    public async Task<IReadOnlyList<DebianPackage>> ResolveAsync(IReadOnlyCollection<string> names, CancellationToken cancellation)
    {
        foreach (var name in names.Where(name => !PackageName().IsMatch(name)))
        {
            throw new BlackBoxException($"'{name}' is not a Debian package name");
        }

        using var guard = await LockAsync(cancellation).ConfigureAwait(false);
        await UpdateLockedAsync(false, cancellation).ConfigureAwait(false);
        var result = await AptAsync(["-s", "install", "--no-install-recommends", .. names], cancellation).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            throw new BlackBoxException(
                $"apt cannot resolve {string.Join(", ", names)}: {result.Tail(3)}",
                "check the package names, or refresh the lists with ./blackbox setup --update");
        }

        return [.. InstallLine().Matches(result.Output).Select(match => new DebianPackage(
            match.Groups["name"].Value.Split(':')[0], match.Groups["version"].Value, match.Groups["arch"].Value))];
    }

    /// <summary>The version of one package that would be installed, for the architecture named.</summary>
    public async Task<DebianPackage> FindAsync(string name, string architecture, CancellationToken cancellation)
    {
        using var guard = await LockAsync(cancellation).ConfigureAwait(false);
        await UpdateLockedAsync(false, cancellation).ConfigureAwait(false);
        var text = await ExternalProcess.RunCheckedAsync(
            "apt-cache", ["-c", ConfigurationFile, "show", "--no-all-versions", $"{name}:{architecture}"], cancellation).ConfigureAwait(false);
        string Field(string field) => Regex.Match(text, $"^{field}: (.+)$", RegexOptions.Multiline).Groups[1].Value;
        return Field("Version").Length > 0
            ? new DebianPackage(Field("Package"), Field("Version"), Field("Architecture"))
            : throw new BlackBoxException($"Debian package {name} ({architecture}) was not found", "refresh the lists with ./blackbox setup --update");
    }

    /// <summary>Downloads what is not there yet, and returns the files in the order of <paramref name="packages"/>. apt checks the hashes.</summary>
    public async Task<IReadOnlyList<string>> DownloadAsync(IReadOnlyCollection<DebianPackage> packages, CancellationToken cancellation)
    {
        const int BatchSize = 16;
        const string Step = "Debian packages";
        using var guard = await LockAsync(cancellation).ConfigureAwait(false);
        var missing = packages.Where(package => !File.Exists(PathOf(package))).ToList();
        var done = 0;
        foreach (var batch in missing.Chunk(BatchSize))
        {
            _progress.Report(new StepUpdate(Step, (double)done / missing.Count, string.Create(CultureInfo.InvariantCulture, $"{done} of {missing.Count}: {batch[0].Name}")));

            // In a folder of its own: only what apt has checked completely is moved to the archives.
            var download = Path.Combine(_folder, "download");
            Directory.CreateDirectory(download);
            var result = await AptAsync(["download", .. batch.Select(package => package.Selector)], cancellation, download).ConfigureAwait(false);
            if (result.ExitCode != 0)
            {
                throw new BlackBoxException($"downloading Debian packages failed: {result.Tail(3)}", "check the network and /etc/apt, then run the same command again: what is downloaded is kept");
            }

            foreach (var package in batch)
            {
                var file = Path.Combine(download, package.FileName);
                if (!File.Exists(file))
                {
                    throw new BlackBoxException($"apt did not leave {package.FileName}");
                }

                File.Move(file, PathOf(package), overwrite: true);
            }

            done += batch.Length;
        }

        if (missing.Count > 0)
        {
            _progress.Report(new StepUpdate(Step, 1, $"{missing.Count} downloaded"));
        }

        return [.. packages.Select(PathOf)];
    }

    private string PathOf(DebianPackage package) => Path.Combine(Archives, package.FileName);

    private Task<CacheLock> LockAsync(CancellationToken cancellation) => CacheLock.AcquireAsync(
        Path.Combine(_folder, "lock"),
        () => _progress.Report(new StepUpdate("Debian packages", double.NaN, "waiting for another run of the tools")),
        cancellation);

    private async Task UpdateLockedAsync(bool force, CancellationToken cancellation)
    {
        WriteConfiguration();
        var known = File.Exists(ListsStamp);
        if (!force && known && DateTime.UtcNow - File.GetLastWriteTimeUtc(ListsStamp) < ListsAge)
        {
            return;
        }

        _progress.Report(new StepUpdate("Debian package lists", double.NaN, "apt-get update"));
        var result = await AptAsync(["update"], cancellation).ConfigureAwait(false);

        // A third-party source that has nothing for arm64 makes apt fail although Debian's own lists are there.
        var usable = Directory.EnumerateFiles(Path.Combine(_folder, "lists"), "*_binary-arm64_Packages*").Any();
        if (result.ExitCode != 0 && !usable)
        {
            throw new BlackBoxException($"the Debian package lists could not be fetched: {result.Tail(3)}", "check the network and the sources in /etc/apt");
        }

        if (result.ExitCode == 0 || !known)
        {
            await File.WriteAllTextAsync(ListsStamp, "", cancellation).ConfigureAwait(false);
        }

        _progress.Report(new StepUpdate("Debian package lists", 1, result.ExitCode == 0 ? "up to date" : "partly up to date"));
    }

    private void WriteConfiguration()
    {
        foreach (var folder in (string[])["lists/partial", "archives/partial", "state"])
        {
            Directory.CreateDirectory(Path.Combine(_folder, folder));
        }

        var status = Path.Combine(_folder, "status");
        if (!File.Exists(status))
        {
            File.WriteAllText(status, "");
        }

        // Read after all other configuration. The host's hooks (they run as root on its own cache) are cleared.
        var text = $$"""
            APT::Architecture "arm64";
            #clear APT::Architectures;
            APT::Architectures { "arm64"; "amd64"; };
            #clear APT::Update::Post-Invoke;
            #clear APT::Update::Post-Invoke-Success;
            #clear DPkg::Post-Invoke;
            #clear Acquire::IndexTargets::deb::DEP-11;
            Dir::State "{{_folder}}/state";
            Dir::State::lists "{{_folder}}/lists";
            Dir::State::status "{{_folder}}/status";
            Dir::Cache "{{_folder}}";
            Dir::Cache::archives "{{_folder}}/archives";
            Dir::Cache::pkgcache "pkgcache.bin";
            Dir::Cache::srcpkgcache "srcpkgcache.bin";
            Acquire::Languages "none";
            Acquire::Retries "3";
            APT::Sandbox::User "";
            APT::Install-Recommends "false";

            """;
        if (!File.Exists(ConfigurationFile) || File.ReadAllText(ConfigurationFile) != text)
        {
            File.WriteAllText(ConfigurationFile, text);
        }
    }

    private Task<ProcessResult> AptAsync(IEnumerable<string> arguments, CancellationToken cancellation, string? folder = null) =>
        ExternalProcess.RunAsync("apt-get", ["-q", "-c", ConfigurationFile, .. arguments], cancellation, folder);

    [GeneratedRegex(@"^[a-z0-9][a-z0-9+.\-]+$")]
    private static partial Regex PackageName();

    [GeneratedRegex(@"^Inst (?<name>\S+) (?:\[[^\]]*\] )?\((?<version>\S+) [^\[]*\[(?<arch>[a-z0-9]+)\]\)", RegexOptions.Multiline)]
    private static partial Regex InstallLine();
}
