namespace BlackBox.Images;

/// <summary>The policy that an image's configuration stands for.</summary>
public static class PolicyBuilder
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>
    /// Fixed arguments are entry point and command; a prefix is the entry point alone (of an image without one, the
    /// program), since the command is what users replace. PATH and HOME are added when missing, as container runtimes do.
    /// </summary>
    /// <exception cref="ImageRefusedException">The program is not in the image.</exception>
    public static ImagePolicy Build(ImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        var configuration = content.Configuration;
        string[] words = [.. configuration.Entrypoint, .. configuration.Command];
        if (words.Length == 0)
        {
            throw new ImageRefusedException(configuration.Name, "the image names no program to start; name one with --entry");
        }

        var environment = Environment(content);
        return new ImagePolicy
        {
            EntryPoint = FindProgram(content.Root, words[0], environment, configuration.WorkingDirectory).Text,
            Arguments = configuration.Protection.Arguments switch
            {
                FreedomRule.Fixed => new ListRule(FreedomRule.Fixed, words),
                FreedomRule.Prefix => new ListRule(FreedomRule.Prefix, configuration.Entrypoint.Count > 0 ? configuration.Entrypoint : words[..1]),
                _ => new ListRule(FreedomRule.Free, []),
            },
            Environment = new ListRule(configuration.Protection.Environment, environment),
            AllowsJit = configuration.Protection.Jit,
            AllowsExec = configuration.Protection.ExecFromOutside,
            Debug = configuration.Protection.Debug,
            WorkingDirectory = configuration.WorkingDirectory,
            WritablePaths = OutsidePaths.Canonicalize(content.Root, [.. OutsidePaths.DefaultWritable, .. configuration.Protection.WritablePaths]),
            ClearPaths = OutsidePaths.Canonicalize(content.Root, [.. OutsidePaths.DefaultClear, .. configuration.Protection.ClearPaths]),
            Limits = new ImageLimits(configuration.Protection.MemoryMebibytes, configuration.Protection.Processes),
        };
    }

    /// <summary>The program's canonical path: looked up in PATH when the word has no slash, symbolic links followed.</summary>
    private static RootPath FindProgram(RootFilesystem root, string word, IReadOnlyList<string> environment, string workingDirectory)
    {
        var search = environment.First(item => item.StartsWith("PATH=", StringComparison.Ordinal))["PATH=".Length..];
        IEnumerable<string> candidates = word.StartsWith('/') ? [word]
            : word.Contains('/') ? [workingDirectory + "/" + word]
            : search.Split(':').Where(folder => folder.StartsWith('/')).Select(folder => folder + "/" + word);
        foreach (var candidate in candidates)
        {
            if (root.Resolve(candidate) is { Kind: RootEntryKind.RegularFile } entry && (entry.Mode & 0x49) != 0)
            {
                return entry.Path;
            }
        }

        throw new ImageRefusedException(word, "the entry point is no executable file in the image");
    }

    private static List<string> Environment(ImageContent content)
    {
        var result = content.Configuration.Environment.ToList();
        if (!result.Any(item => item.StartsWith("PATH=", StringComparison.Ordinal)))
        {
            result.Add("PATH=" + DefaultPath);
        }

        if (!result.Any(item => item.StartsWith("HOME=", StringComparison.Ordinal)))
        {
            result.Add("HOME=" + UserFile.HomeOf(content.Root, content.Configuration.UserId));
        }

        return result;
    }
}
