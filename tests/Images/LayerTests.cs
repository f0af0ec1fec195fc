using System.Formats.Tar;
using System.Text;
using Xunit;

namespace BlackBox.Images.Tests;

public sealed class LayerTests
{
    [Theory]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Gnu)]
    public void Names_and_targets_of_any_length_are_read(TarEntryFormat format)
    {
        var name = string.Join('/', Enumerable.Repeat("a-long-folder-name-with-ünïcode", 12)) + "/file";
        var target = "/" + new string('t', 300);
        var root = Apply(new TarSample().Add(TarEntryType.RegularFile, name, "content", format: format, owner: 1000).Add(TarEntryType.SymbolicLink, "link", link: target, format: format));
        Assert.Equal("content"u8.ToArray(), root["/" + name]!.Content!.ReadAllBytes());
        Assert.Equal((1000, 1000), (root["/" + name]!.UserId, root["/" + name]!.GroupId));
        Assert.Equal(target, root["/link"]!.LinkTarget);
    }

    [Fact]
    public void Whiteouts_take_away_what_lies_below_and_nothing_of_their_own_layer()
    {
        var below = new TarSample().File("keep/a").File("keep/b").File("gone/x").File("opaque/old/deep").File("file");
        var above = new TarSample().File("opaque/new").File("keep/.wh.a").File(".wh.gone").File("opaque/.wh..wh..opq").File("gone/y").File(".wh.file").File("file/now-a-folder");
        Assert.Equal(["/", "/file", "/file/now-a-folder", "/gone", "/gone/y", "/keep", "/keep/b", "/opaque", "/opaque/new"], Paths(Apply(below, above)));
    }

    [Fact]
    public void Layers_replace_files_folders_and_links_and_keep_folders()
    {
        var below = new TarSample().File("a/one").File("b").Link("c", "a").File("d/deep/file");
        var above = new TarSample().Folder("a").Folder("b").File("b/in").Folder("c").File("d", "now a file");
        var root = Apply(below, above);
        Assert.Equal(["/", "/a", "/a/one", "/b", "/b/in", "/c", "/d"], Paths(root));
        Assert.Equal(RootEntryKind.Directory, root["/c"]!.Kind);
        Assert.Equal("now a file"u8.ToArray(), root["/d"]!.Content!.ReadAllBytes());
    }

    [Fact]
    public void Hard_links_are_files_of_their_own_also_over_layers()
    {
        var root = Apply(new TarSample().File("a", "content", 0x1ED).HardLink("b", "a"), new TarSample().HardLink("c", "./b").File("a", "other"));
        Assert.Equal("content"u8.ToArray(), root["/c"]!.Content!.ReadAllBytes());
        Assert.Equal(0x1ED, root["/b"]!.Mode);
        Assert.Equal("other"u8.ToArray(), root["/a"]!.Content!.ReadAllBytes());
    }

    [Fact]
    public void A_link_on_the_way_leads_where_it_leads_inside_of_the_root()
    {
        var root = Apply(new TarSample().Folder("usr/lib").Link("lib", "usr/lib").File("lib/x").Link("out", "../../../usr").File("out/y").Link("abs", "/usr/lib").File("abs/z"));
        Assert.Equal(["/", "/abs", "/lib", "/out", "/usr", "/usr/lib", "/usr/lib/x", "/usr/lib/z", "/usr/y"], Paths(root).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Devices_and_pipes_are_read()
    {
        var root = Apply(new TarSample().Add(TarEntryType.Fifo, "pipe").Raw("dev", '3', "0"));
        Assert.Equal(RootEntryKind.Fifo, root["/pipe"]!.Kind);
        Assert.Equal(RootEntryKind.CharacterDevice, root["/dev"]!.Kind);
    }

    public static TheoryData<string, byte[]> Hostile()
    {
        var data = new TheoryData<string, byte[]>
        {
            { "zip-slip", new TarSample().File("../../etc/passwd").ToArray() },
            { "zip-slip inside", new TarSample().File("a/b/../../../etc/passwd").ToArray() },
            { "absolute", new TarSample().File("/etc/passwd").ToArray() },
            { "absolute link source", new TarSample().HardLink("x", "/etc/passwd").ToArray() },
            { "hard link out", new TarSample().HardLink("x", "../../etc/passwd").ToArray() },
            { "hard link to itself", new TarSample().HardLink("x", "x").ToArray() },
            { "hard link to a folder", new TarSample().Folder("d").HardLink("x", "d").ToArray() },
            { "hard link forward", new TarSample().HardLink("x", "y").File("y").ToArray() },
            { "duplicate", new TarSample().File("a").File("a").ToArray() },
            { "duplicate by spelling", new TarSample().File("a").File("./a").ToArray() },
            { "duplicate through a link", new TarSample().Folder("d").Link("l", "d").File("d/x").File("l/x").ToArray() },
            { "file, then folder", new TarSample().File("a").Folder("a").ToArray() },
            { "folder, then file", new TarSample().File("a/b").File("a").ToArray() },
            { "file as folder", new TarSample().File("a").File("a/b").ToArray() },
            { "link loop", new TarSample().Link("a", "b").Link("b", "a").File("a/x").ToArray() },
            { "link to itself", new TarSample().Link("a", "a").File("a/x").ToArray() },
            { "dangling link", new TarSample().Link("a", "/nowhere").File("a/x").ToArray() },
            { "link to a file", new TarSample().File("f").Link("a", "f").File("a/x").ToArray() },
            { "root as file", new TarSample().File("./").ToArray() },
            { "whiteout of nothing", new TarSample().File("a/.wh.").ToArray() },
            { "whiteout of the parent", new TarSample().File("a/.wh...").ToArray() },
            { "cut off in a header", new TarSample().File("a").ToArray()[..300] },
            { "cut off in a file", new TarSample().File("a", new string('x', 2000)).ToArray()[..2000] },
            { "huge size", new TarSample().Raw("a", '0', "77777777777").ToArray() },
            { "huge binary size", new TarSample().Raw("a", '0', "\u0080\0\0\0\u007F\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF").ToArray() },
            { "negative size", new TarSample().Raw("a", '0', "\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF").ToArray() },
            { "size that is no number", new TarSample().Raw("a", '0', "xyz").ToArray() },
            { "huge long name", new TarSample().Raw("././@LongLink", 'L', "17777777777").ToArray() },
            { "huge extended header", new TarSample().Raw("PaxHeaders/x", 'x', "17777777777").ToArray() },
            { "bad extended header", new TarSample().Raw("PaxHeaders/x", 'x', "12", "99 path=abcd"u8.ToArray()).Raw("a", '0', "0").ToArray() },
            { "name that is not UTF-8", new TarSample().Raw("a\u00FFb", '0', "0").ToArray() },
            { "name component too long", new TarSample().File(new string('n', 256)).ToArray() },
            { "path too long", new TarSample().File(string.Join('/', Enumerable.Repeat(new string('n', 200), 25))).ToArray() },
            { "sparse file cut off", Sparse("a", 100_000, (0, 512), (4096, 512))[..1500] },
            { "sparse file, map beyond its end", Sparse("a", 1000, (0, 512), (800, 512)) },
            { "sparse file, parts overlap", Sparse("a", 100_000, (1000, 512), (1200, 512)) },
            { "sparse file, parts out of order", Sparse("a", 100_000, (9000, 512), (100, 512)) },
            { "sparse file, content without a part", Sparse("a", 100_000, 1024, (0, 512)) },
            { "sparse file, part without content", Sparse("a", 100_000, 512, (0, 512), (4096, 512)) },
            { "sparse file, map that is no number", new TarSample().Raw("PaxHeaders/x", 'x', "56", Pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9")).Raw("a", '0', "1000", "x\n"u8.ToArray()).ToArray() },
            { "sparse file, huge map", new TarSample().Raw("PaxHeaders/x", 'x', "56", Pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9")).Raw("a", '0', "1000", "99999999999\n"u8.ToArray()).ToArray() },
            { "multi-volume", new TarSample().Raw("a", 'M', "0").ToArray() },
            { "unknown type", new TarSample().Raw("a", 'Z', "0").ToArray() },
            { "link without target", new TarSample().Raw("a", '2', "0").ToArray() },
            { "no archive", [.. Enumerable.Range(0, 2048).Select(number => (byte)((number * 7) + 1))] },
        };
        return data;
    }

    /// <summary>A sparse file in GNU's old form, with its parts filled by their number's letter.</summary>
    private static byte[] Sparse(string name, int size, params (int Offset, int Length)[] map) => Sparse(name, size, map.Sum(part => part.Length), map);

    private static byte[] Sparse(string name, int size, int stored, params (int Offset, int Length)[] map)
    {
        byte[] content = [.. map.SelectMany((part, i) => Enumerable.Repeat((byte)('a' + i), part.Length)), .. new byte[size]];
        var extra = Math.Max(0, (map.Length - 4 + 20) / 21);
        var bytes = new TarSample().Raw(name, 'S', Octal(stored), [.. new byte[extra * 512], .. content[..stored]]).File("after", "z").ToArray();
        Encoding.ASCII.GetBytes(Octal(size)).CopyTo(bytes.AsSpan(483));
        bytes[482] = (byte)(extra > 0 ? 1 : 0);
        for (var i = 0; i < map.Length; i++)
        {
            var at = i < 4 ? 386 + (24 * i) : 512 + ((i - 4) / 21 * 512) + ((i - 4) % 21 * 24);
            Encoding.ASCII.GetBytes(Octal(map[i].Offset)).CopyTo(bytes.AsSpan(at));
            Encoding.ASCII.GetBytes(Octal(map[i].Length)).CopyTo(bytes.AsSpan(at + 12));
        }

        for (var i = 0; i + 1 < extra; i++)
        {
            bytes[512 + (i * 512) + 504] = 1;
        }

        bytes.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(Convert.ToString(bytes[..512].Sum(value => value), 8).PadLeft(6, '0') + "\0 ").CopyTo(bytes.AsSpan(148));
        return bytes;

        static string Octal(int number) => Convert.ToString(number, 8).PadLeft(11, '0');
    }

    private static byte[] Pax(params string[] records) => Encoding.UTF8.GetBytes(string.Concat(records.Select(record => $"{record.Length + (record.Length < 97 ? 4 : 5)} {record}\n")));

    [Fact]
    public void Sparse_files_of_every_form_are_whole_files()
    {
        // More parts than fit into the header and one further record.
        var parts = Enumerable.Range(0, 40).Select(i => (i * 5000, 512)).ToArray();
        var root = Apply(Sparse("old", 300_000, parts));
        var bytes = root["/old"]!.Content!.ReadAllBytes();
        Assert.Equal(300_000, bytes.Length);
        for (var i = 0; i < bytes.Length; i++)
        {
            Assert.Equal(i / 5000 < 40 && i % 5000 < 512 ? (byte)('a' + (i / 5000)) : 0, bytes[i]);
        }

        Assert.Equal("z"u8.ToArray(), root["/after"]!.Content!.ReadAllBytes());
        Assert.Equal(new byte[7], Apply(Sparse("empty", 7))["/empty"]!.Content!.ReadAllBytes());

        var one = Pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=dir/real", "GNU.sparse.realsize=10");
        byte[] map = [.. "1\n3\n4\n"u8, .. new byte[506]];
        root = Apply(new TarSample().Raw("PaxHeaders/x", 'x', Convert.ToString(one.Length, 8), one).Raw("GNUSparseFile.0/real", '0', Convert.ToString(516, 8), [.. map, .. "four"u8]).File("after").ToArray());
        Assert.Equal("\0\0\0four\0\0\0"u8.ToArray(), root["/dir/real"]!.Content!.ReadAllBytes());
        Assert.NotNull(root["/after"]);

        foreach (var header in (byte[][])[
            Pax("GNU.sparse.size=10", "GNU.sparse.numblocks=2", "GNU.sparse.offset=1", "GNU.sparse.numbytes=2", "GNU.sparse.offset=8", "GNU.sparse.numbytes=2"),
            Pax("GNU.sparse.size=10", "GNU.sparse.numblocks=2", "GNU.sparse.map=1,2,8,2")])
        {
            root = Apply(new TarSample().Raw("PaxHeaders/x", 'x', Convert.ToString(header.Length, 8), header).Raw("file", '0', "4", "abcd"u8.ToArray()).ToArray());
            Assert.Equal("\0ab\0\0\0\0\0cd"u8.ToArray(), root["/file"]!.Content!.ReadAllBytes());
        }
    }

    [Fact]
    public void A_sparse_file_counts_with_its_holes() =>
        Assert.Contains("MiB", Assert.Throws<ImageRefusedException>(() => Apply(new ReadLimits(Bytes: 1 << 20), Sparse("a", 2 << 20, (0, 512)))).Reason);

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Hostile_archives_are_refused(string what, byte[] archive)
    {
        _ = what;
        Assert.Equal("layer", Assert.Throws<ImageRefusedException>(() => Apply(archive)).File);
    }

    [Fact]
    public void A_whiteout_behind_a_link_that_leads_nowhere_is_refused() =>
        Assert.Throws<ImageRefusedException>(() => Apply(new TarSample().Link("l", "l"), new TarSample().File("l/.wh.x")));

    [Fact]
    public void Limits_hold()
    {
        var many = new TarSample().File("a").File("b").File("c").ToArray();
        Assert.Contains("entries", Assert.Throws<ImageRefusedException>(() => Apply(new ReadLimits(Entries: 2), many)).Reason);
        var large = new TarSample().File("a", new string('x', 3000)).ToArray();
        Assert.Contains("MiB", Assert.Throws<ImageRefusedException>(() => Apply(new ReadLimits(Bytes: 2999), large)).Reason);
    }

    [Fact]
    public void Random_damage_gives_a_refusal_or_a_root_and_nothing_else()
    {
        var good = new TarSample().Folder("d").File("d/a", new string('a', 700)).Link("l", "d").HardLink("h", "d/a").Add(TarEntryType.RegularFile, new string('n', 150), "x", format: TarEntryFormat.Gnu).ToArray();
        var random = new Random(4711);
        for (var round = 0; round < 1500; round++)
        {
            var bytes = good.ToArray();
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                _ = Apply(bytes[..random.Next(bytes.Length - 512, bytes.Length + 1)]);
            }
            catch (ImageRefusedException)
            {
            }
        }
    }

    [Fact]
    public void What_we_write_is_read_again_and_does_not_depend_on_anything_else()
    {
        var root = Apply(new TarSample().File("a/" + new string('n', 200), "content").File("umlaut-ä").Link("l", new string('t', 200)).Add(TarEntryType.Fifo, "p").Raw("dev", '4', "0")
            .Add(TarEntryType.RegularFile, "owned", "x", owner: 3_000_000, mode: 0x9ED));
        var bytes = Write(root);
        Assert.Equal(bytes, Write(root));
        var again = Apply(bytes);
        Assert.Equal(root.Entries.Select(Describe), again.Entries.Select(Describe));

        static byte[] Write(RootFilesystem root)
        {
            using var stream = new MemoryStream();
            using (var tar = new TarOutput(stream, 1_000_000_000))
            {
                foreach (var entry in root.Entries.Where(entry => !entry.Path.IsRoot))
                {
                    tar.Write(entry);
                }
            }

            return stream.ToArray();
        }

        static string Describe(RootEntry entry) => $"{entry.Path} {entry.Kind} {entry.Mode} {entry.UserId} {entry.GroupId} {entry.LinkTarget} {entry.Length}";
    }

    private static IEnumerable<string> Paths(RootFilesystem root) => root.Entries.Select(entry => entry.Path.Text);

    private static RootFilesystem Apply(params TarSample[] layers) => Apply(new ReadLimits(), [.. layers.Select(layer => layer.ToArray())]);

    private static RootFilesystem Apply(byte[] layer) => Apply(new ReadLimits(), layer);

    private static RootFilesystem Apply(ReadLimits limits, params byte[][] layers)
    {
        var root = new RootFilesystem();
        var reader = new LayerReader(root, limits);
        foreach (var layer in layers)
        {
            reader.Apply(ContentSource.FromBytes(layer), "layer", TestContext.Current.CancellationToken);
        }

        return root;
    }
}
