using System.Security.Cryptography;
using System.Text;
using BlackBox.Hosting;

namespace BlackBox.Mutants;

/// <summary>
/// A copy of a part of the source tree, with or without a fault in it. The copy stays, and only files that differ are written:
/// the next build in it compiles what a fault touches and nothing else. The working tree itself is never changed.
/// </summary>
/// <param name="root">folder of the copy</param>
/// <param name="inputs">files and folders of the repository that the copy has</param>
public sealed class MutantTree(string root, IReadOnlyList<string> inputs)
{
    private static readonly string[] Common = ["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "global.json", "build"];

    /// <summary>Folder of the copy.</summary>
    public string Root { get; } = root;

    /// <summary>Digest of all that the copy would hold, 64 hexadecimal digits.</summary>
    /// <param name="mutant">null: no fault</param>
    /// <exception cref="BlackBoxException">The fault does not fit the source.</exception>
    public string Digest(Mutant? mutant)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (path, content) in Files(mutant))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{path}\0{content.Length}\0"));
            hash.AppendData(content);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Makes the copy what the working tree is now, with the fault in it.</summary>
    /// <exception cref="BlackBoxException">The fault does not fit the source.</exception>
    public void Prepare(Mutant? mutant)
    {
        var wanted = Files(mutant).ToList();
        foreach (var (path, content) in wanted)
        {
            var target = Path.Combine(Root, path);
            if (!File.Exists(target) || !File.ReadAllBytes(target).AsSpan().SequenceEqual(content))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.WriteAllBytes(target, content);
                if (Path.Combine(BlackBoxPaths.Repository, path) is var source && File.Exists(source))
                {
                    File.SetUnixFileMode(target, File.GetUnixFileMode(source));
                }
            }
        }

        var names = wanted.Select(file => Path.Combine(Root, file.Path)).ToHashSet(StringComparer.Ordinal);
        foreach (var folder in inputs.Concat(Common).Select(input => Path.Combine(Root, input)).Where(Directory.Exists))
        {
            foreach (var stale in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => !names.Contains(file)))
            {
                File.Delete(stale);
            }
        }
    }

    private IEnumerable<(string Path, byte[] Content)> Files(Mutant? mutant)
    {
        var edited = mutant?.Edits.Where(edit => !edit.IsNewFile).Select(edit => edit.File).ToHashSet(StringComparer.Ordinal) ?? [];
        foreach (var path in inputs.Concat(Common).SelectMany(Expand).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var content = File.ReadAllBytes(Path.Combine(BlackBoxPaths.Repository, path));
            if (edited.Remove(path))
            {
                content = Encoding.UTF8.GetBytes(mutant!.Apply(path, Encoding.UTF8.GetString(content)));
            }

            yield return (path, content);
        }

        foreach (var edit in mutant?.Edits.Where(edit => edit.IsNewFile) ?? [])
        {
            yield return (edit.File, Encoding.UTF8.GetBytes(edit.Replace));
        }

        if (edited.Count > 0)
        {
            throw new BlackBoxException($"mutant {mutant!.Name} changes {edited.First()}, which is no part of what is built");
        }
    }

    private static IEnumerable<string> Expand(string input)
    {
        var path = Path.Combine(BlackBoxPaths.Repository, input);
        return !Directory.Exists(path) ? [input] : Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(BlackBoxPaths.Repository, file))
            .Where(file => !file.Split('/').Any(part => part is "bin" or "obj"));
    }
}
