using System;
using System.Linq;
using System.Text;
using BlackBox.Images;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>Paths through the signed table, against the resolution of the tool that made the image.</summary>
public class PathTests
{
    private static readonly Gen<string> Part = Gen.Frequency(
        (6, Gen.OneOf(Gen.Const("a"), Gen.Const("b"), Gen.Const("c"), Gen.Const("x"))), (2, Gen.Const("..")), (1, Gen.Const(".")), (1, Gen.Const(string.Empty)));

    private static readonly Gen<string> Target = Gen.Select(Gen.Bool, Part.Array[1, 4]).Select((root, parts) => (root ? "/" : string.Empty) + string.Join('/', parts))
        .Where(target => target.Length > 0);

    private static LoaderMachine Load(BlackBox.Images.ProtectedImage image)
    {
        machine = new LoaderMachine(image);
        Assert.Equal(0, machine.Start("/program", ["/program"]));
        return machine;
    }

    private static LoaderMachine? machine;

    private static (long Length, string Path, int Record) Resolve(string path, bool follow = true)
    {
        byte[] canonical = new byte[4096];
        long length = Paths.Resolve(ref machine!.Thread, Encoding.UTF8.GetBytes(path), canonical, follow, out int record);
        return (length, length > 0 ? Encoding.UTF8.GetString(canonical, 0, (int)length) : string.Empty, record);
    }

    [Fact]
    public void What_resolves_in_the_image_resolves_to_the_same_file() =>
        Gen.Select(Gen.Select(Part, Part, Target).Array[1, 8], Gen.Select(Part, Part).Array[1, 6], Part.Array[1, 6].Array[10, 30]).Sample(
            (links, files, paths) =>
            {
                InMemoryImage made = new InMemoryImage("paths").AddFile("/program", TestElf.Make(0x40_0000, 1)).Start("/program");
                int seed = 2;
                foreach ((string folder, string name) in files)
                {
                    Try(() => made.AddFile($"/{folder}/{name}", TestElf.Make(0x40_0000, seed++)));
                }

                foreach ((string folder, string name, string target) in links)
                {
                    Try(() => made.AddLink($"/{folder}/{name}", target));
                }

                BlackBox.Images.ProtectedImage image = made.Protect();
                _ = Load(image);
                foreach (string[] parts in paths)
                {
                    string path = "/" + string.Join('/', parts);
                    (long expected, string? entry) = Walk(image.Root, path);
                    (long length, string canonical, int record) = Resolve(path);
                    if (entry is not null)
                    {
                        Assert.Equal(entry, canonical);
                        Assert.True(length > 0 && record >= 0);
                        Assert.Equal(image.Paths[record].Text, canonical);
                    }
                    else if (length >= 0)
                    {
                        // The last name alone is missing: it could be made there.
                        Assert.Equal((-Errno.ENOENT, -1), (expected, record));
                        Assert.Null(image.Root[canonical]);
                    }
                    else
                    {
                        Assert.Equal(expected, length);
                    }
                }
            },
            iter: 60, threads: 1);

    /// <summary>Linux's walk (path_resolution(7)): 0 and the path found, or -errno.</summary>
    private static (long Error, string? Path) Walk(RootFilesystem root, string path)
    {
        System.Collections.Generic.List<string> here = [];
        System.Collections.Generic.Stack<string> rest = new(path.Split('/').Reverse());
        int links = 0;
        while (rest.TryPop(out string? name))
        {
            string current = "/" + string.Join('/', here);
            if (root[current] is not { } entry)
            {
                return (-Errno.ENOENT, null);
            }

            // Empty at the front is the root or a doubled slash; behind a file even an empty name wants a directory.
            if (entry.Kind != RootEntryKind.Directory)
            {
                return (-Errno.ENOTDIR, null);
            }

            if (name is "" or ".")
            {
                continue;
            }

            if (name == "..")
            {
                here = here[..Math.Max(here.Count - 1, 0)];
                continue;
            }

            here.Add(name);
            if (root["/" + string.Join('/', here)] is not { } found)
            {
                return (-Errno.ENOENT, null);
            }

            if (found.Kind == RootEntryKind.SymbolicLink)
            {
                if (++links > 40)
                {
                    return (-Errno.ELOOP, null);
                }

                here = found.LinkTarget!.StartsWith('/') ? [] : here[..^1];
                foreach (string part in found.LinkTarget.Split('/').Reverse())
                {
                    rest.Push(part);
                }
            }
        }

        return (0, "/" + string.Join('/', here));
    }

    private static void Try(Action add)
    {
        try
        {
            add();
        }
        catch (Exception exception) when (exception is System.IO.InvalidDataException or InvalidOperationException or ArgumentException)
        {
            // The part was "..", or the place is taken by something else.
        }
    }

    [Fact]
    public void Single_cases()
    {
        InMemoryImage image = new InMemoryImage("paths").AddFile("/program", TestElf.Make(0x40_0000, 1)).AddFile("/d/file", TestElf.Make(0x40_0000, 2))
            .AddLink("/loop", "loop").AddLink("/d/up", "../d").AddLink("/abs", "/d/up/up/file").AddLink("/slash", "d/file/").AddLink("/e/self", ".").Start("/program");
        for (int i = 0; i < 42; i++)
        {
            image.AddLink($"/l{i}", i == 0 ? "program" : $"l{i - 1}");
        }

        _ = Load(image.Protect());
        Assert.Equal("/d/file", Resolve("/abs").Path);
        Assert.Equal("/d/file", Resolve("//d/./up/../d/up//file").Path);
        Assert.Equal("/program", Resolve("/../../program").Path);
        Assert.Equal("/program", Resolve("/d/up/../program").Path);
        Assert.Equal("/", Resolve("/..").Path);
        Assert.Equal(-Errno.ELOOP, Resolve("/loop").Length);
        Assert.Equal("/loop", Resolve("/loop", follow: false).Path);
        Assert.Equal(-Errno.ELOOP, Resolve("/loop/", follow: false).Length);
        Assert.Equal("/program", Resolve("/l39").Path);
        Assert.Equal(-Errno.ELOOP, Resolve("/l40").Length);
        Assert.Equal(-Errno.ENOTDIR, Resolve("/d/file/").Length);
        Assert.Equal(-Errno.ENOTDIR, Resolve("/d/file/x").Length);
        Assert.Equal(-Errno.ENOTDIR, Resolve("/d/file/..").Length);
        Assert.Equal(-Errno.ENOTDIR, Resolve("/slash").Length);
        Assert.Equal(-Errno.ENOENT, Resolve(string.Empty).Length);
        Assert.Equal(-Errno.ENOENT, Resolve("program").Length);
        Assert.Equal(-Errno.ENAMETOOLONG, Resolve("/" + new string('a', 256)).Length);
        Assert.Equal(-Errno.ENAMETOOLONG, Resolve("/" + string.Join('/', Enumerable.Repeat("aa", 2000))).Length);
        Assert.Equal(-1, Resolve("/nothing").Record);
        Assert.Equal(-Errno.ENOENT, Resolve("/nothing/..").Length);
        Assert.Equal(-Errno.ENOENT, Resolve("/nothing/../program").Length);

        // Outside of the image nothing is known; the way back leads into it again.
        Assert.Equal(("/tmp/a/b", -1), (Resolve("/tmp/a/./b").Path, Resolve("/tmp/a/b").Record));
        Assert.Equal("/program", Resolve("/tmp/a/../../program").Path);
        Assert.True(Resolve("/tmp/a/../../program").Record >= 0);
        Assert.Equal("/d/file", Resolve("/proc/../d/up/file").Path);
    }
}
