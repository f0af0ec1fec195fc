using BlackBox.Guest;
using BlackBox.Images;

namespace BlackBox.Recipes;

/// <summary>
/// Finds the loader and the shared libraries that programs need, the way the dynamic loader would (ld.so(8)): the
/// run path of the program, then the folders of the system. Libraries that a program opens by name at run time are not
/// found so; a recipe includes those by a pattern.
/// </summary>
public sealed class ElfClosure
{
    private static readonly string[] SystemFolders = ["/usr/lib/aarch64-linux-gnu", "/usr/lib"];

    private readonly RootFilesystem _source;
    private readonly RootFilesystem _target;
    private readonly HashSet<RootPath> _done = [];

    /// <param name="source">All that packages bring.</param>
    /// <param name="target">The choice, to which is added.</param>
    public ElfClosure(RootFilesystem source, RootFilesystem target)
    {
        _source = source;
        _target = target;
    }

    /// <summary>Adds what the ELF files in the target need.</summary>
    /// <exception cref="InvalidDataException">A library is in none of the packages, or a file is for another machine.</exception>
    public void Complete()
    {
        var pending = new Queue<RootEntry>(_target.Entries.Where(entry => entry.Kind == RootEntryKind.RegularFile));
        while (pending.TryDequeue(out var entry))
        {
            if (!_done.Add(entry.Path) || ReadElf(entry) is not { } elf)
            {
                continue;
            }

            if (elf.Interpreter is { } interpreter)
            {
                pending.Enqueue(Take(interpreter) ?? throw Missing(entry, interpreter));
            }

            foreach (var name in elf.Needed)
            {
                var folders = elf.RunPath.Select(folder => folder
                    .Replace("$ORIGIN", entry.Path.Parent.Text, StringComparison.Ordinal)
                    .Replace("${ORIGIN}", entry.Path.Parent.Text, StringComparison.Ordinal)).Concat(SystemFolders);
                var found = name.Contains('/') ? Take(name) : folders.Select(folder => Take($"{folder}/{name}")).FirstOrDefault(hit => hit is not null);
                pending.Enqueue(found ?? throw Missing(entry, name));
            }
        }
    }

    /// <summary>Adds a file of the source together with the links that lead to it. Null if it is not there.</summary>
    public RootEntry? Take(string path)
    {
        var links = new List<RootEntry>();
        if (_source.Resolve(path, links) is not { } entry || entry.Kind == RootEntryKind.Directory)
        {
            return null;
        }

        foreach (var item in links.Append(entry).Where(item => !_target.Contains(item.Path)))
        {
            _target.Add(item);
        }

        return entry;
    }

    private static InvalidDataException Missing(RootEntry entry, string library) =>
        new($"{entry.Path} needs {library}, which is in none of the packages");

    private static ElfFile? ReadElf(RootEntry entry)
    {
        Span<byte> start = stackalloc byte[4];
        using (var stream = entry.Content!.Open())
        {
            if (stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) < start.Length || !ElfFile.HasMagic(start))
            {
                return null;
            }
        }

        var elf = ElfFile.Parse(entry.Content.ReadAllBytes());
        return elf.Machine == ElfFile.MachineAArch64
            ? elf
            : throw new InvalidDataException($"{entry.Path} is an ELF file for another machine than arm64");
    }
}
