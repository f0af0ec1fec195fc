using BlackBox.Debian;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Recipes;

/// <summary>Turns a recipe into a root file system and the configuration to start it with.</summary>
public sealed class RecipeBuilder
{
    private const string BaseUsers = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
    private const string BaseGroups = "root:x:0:\nnogroup:x:65534:\n";

    private readonly string _cache;
    private readonly DebianArchive _debian;
    private readonly IProgress<StepUpdate> _progress;

    public RecipeBuilder(string cache, DebianArchive debian, IProgress<StepUpdate> progress)
    {
        _cache = cache;
        _debian = debian;
        _progress = progress;
    }

    /// <exception cref="BlackBoxException">A package, a file or a library is missing; the message names it.</exception>
    public async Task<ImageContent> BuildAsync(Recipe recipe, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var step = $"Recipe {recipe.Name}";
        try
        {
            _progress.Report(new StepUpdate(step, 0, "resolving packages"));
            var packages = await _debian.ResolveAsync(recipe.Packages, cancellation).ConfigureAwait(false);
            var files = await _debian.DownloadAsync(packages, cancellation).ConfigureAwait(false);
            _progress.Report(new StepUpdate(step, 0.4, $"reading {packages.Count} packages"));
            var source = await PackagePool.ReadAllAsync(_cache, files, cancellation).ConfigureAwait(false);
            _progress.Report(new StepUpdate(step, 0.8, "choosing files"));
            var root = Choose(recipe, source);
            AddOwnFiles(recipe, root);
            CheckEntrypoint(recipe, root);
            _progress.Report(new StepUpdate(step, 1, $"{root.Entries.Count} files, {root.TotalLength / (1 << 20)} MiB"));
            return new ImageContent(root, Configure(recipe, packages));
        }
        catch (InvalidDataException error)
        {
            throw new BlackBoxException($"recipe {recipe.Name}: {error.Message}", null, error);
        }
    }

    /// <summary>The chosen files of the packages with the libraries they need. Separate from the rest for the tests' sake.</summary>
    public static RootFilesystem Choose(Recipe recipe, RootFilesystem source)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(source);
        var root = new RootFilesystem();
        UsrMerge.AddLinks(root);
        foreach (var folder in (string[])["/dev", "/etc", "/proc", "/root", "/run", "/sys", "/var/lib", "/var/log", "/var/tmp"])
        {
            root.Add(RootEntry.Directory(RootPath.Parse(folder)));
        }

        root.Add(RootEntry.Directory(RootPath.Parse("/tmp"), 0x3FF));
        var closure = new ElfClosure(source, root);
        var excluded = recipe.Exclude.Select(Merged).ToList();
        foreach (var pattern in recipe.Include.Select(Merged))
        {
            var hits = pattern.IsLiteral
                ? new[] { source[pattern.Text] }.OfType<RootEntry>().ToList()
                : [.. source.Entries.Where(entry => pattern.Matches(entry.Path))];
            if (hits.Count == 0)
            {
                throw new InvalidDataException($"'{pattern.Text}' is in none of the packages");
            }

            foreach (var hit in hits.Where(hit => !root.Contains(hit.Path) && !excluded.Any(other => other.Matches(hit.Path))))
            {
                root.Add(hit);
                if (hit.Kind == RootEntryKind.SymbolicLink)
                {
                    // The target of a chosen link comes along if it is a file: a dangling link is of no use.
                    _ = closure.Take(hit.Path.Text);
                }
            }
        }

        closure.Complete();
        return root;
    }

    private static PathPattern Merged(string pattern) => new(UsrMerge.Relocate(RootPath.Parse(pattern)).Text);

    private static void AddOwnFiles(Recipe recipe, RootFilesystem root)
    {
        void AddText(string path, string text) => root.Add(RootEntry.File(RootPath.Parse(path), ContentSource.FromText(text)));
        AddText("/etc/passwd", BaseUsers + string.Concat(recipe.Users.Select(line => line + "\n")));
        AddText("/etc/group", BaseGroups + string.Concat(recipe.Groups.Select(line => line + "\n")));
        AddText("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
        AddText("/etc/hosts", "127.0.0.1 localhost\n");

        foreach (var (path, directory) in recipe.Directories)
        {
            var (user, group) = RecipeReader.ParseOwner(directory.Owner);
            root.Add(RootEntry.Directory(UsrMerge.Relocate(RootPath.Parse(path)), RecipeReader.ParseMode(directory.Mode)) with { UserId = user, GroupId = group });
        }

        foreach (var (path, file) in recipe.Files)
        {
            var (user, group) = RecipeReader.ParseOwner(file.Owner);
            root.Add(RootEntry.File(UsrMerge.Relocate(RootPath.Parse(path)), Content(recipe, path, file), RecipeReader.ParseMode(file.Mode)) with { UserId = user, GroupId = group });
        }

        foreach (var (path, target) in recipe.Links)
        {
            root.Add(RootEntry.Link(UsrMerge.Relocate(RootPath.Parse(path)), target));
        }
    }

    private static ContentSource Content(Recipe recipe, string path, RecipeFileEntry file)
    {
        if (file.Text is { } lines)
        {
            return ContentSource.FromText(string.Concat(lines.Select(line => line + "\n")));
        }

        var source = Path.GetFullPath(Path.Combine(recipe.Folder, file.Source!));
        return File.Exists(source) ? ContentSource.FromFile(source) : throw new InvalidDataException($"{path}: {source} does not exist");
    }

    private static void CheckEntrypoint(Recipe recipe, RootFilesystem root)
    {
        if (recipe.Entrypoint.Count > 0 &&
            (root.Resolve(recipe.Entrypoint[0]) is not { Kind: RootEntryKind.RegularFile } program || (program.Mode & 0x49) == 0))
        {
            throw new InvalidDataException($"the entry point {recipe.Entrypoint[0]} is no executable file in the image");
        }
    }

    private static ImageConfiguration Configure(Recipe recipe, IReadOnlyList<DebianPackage> packages)
    {
        var (user, group) = RecipeReader.ParseOwner(recipe.User);
        return new ImageConfiguration
        {
            Name = recipe.Name,
            Entrypoint = recipe.Entrypoint,
            Command = recipe.Command,
            Environment = [.. recipe.Environment.Select(pair => $"{pair.Key}={pair.Value}")],
            WorkingDirectory = recipe.WorkingDirectory,
            UserId = user,
            GroupId = group,
            Ports = recipe.Ports,
            Labels = new Dictionary<string, string>
            {
                ["org.opencontainers.image.title"] = recipe.Name,
                ["org.opencontainers.image.description"] = recipe.Description,
                ["blackbox.packages"] = string.Join(' ', packages.Where(package => recipe.Packages.Contains(package.Name)).Select(package => $"{package.Name}={package.Version}")),
            },
            Protection = new ProtectionRules(recipe.Protection.Arguments, recipe.Protection.Environment, recipe.Protection.Jit, recipe.Protection.Exec)
            {
                WritablePaths = [.. recipe.Protection.Writable.Select(path => UsrMerge.Relocate(RootPath.Parse(path)).Text)],
                ClearPaths = [.. recipe.Protection.Clear.Select(path => UsrMerge.Relocate(RootPath.Parse(path)).Text)],
                MemoryMebibytes = recipe.Protection.Memory,
                Processes = recipe.Protection.Processes,
            },
        };
    }
}
