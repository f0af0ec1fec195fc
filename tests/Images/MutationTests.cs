using System.Buffers.Binary;
using Xunit;

namespace BlackBox.Images.Tests;

/// <summary>Whatever is changed in a protected image: verification refuses it and names the file.</summary>
public sealed class MutationTests
{
    private const int Header = 128;
    private const int Record = 128;
    private const string Manifest = "/.blackbox/manifest";
    private const string Files = "/.blackbox/files";
    private const string Tags = "/.blackbox/tags";
    private const string Key = "/.blackbox/key";
    private const string Program = "/usr/bin/program";

    private static readonly ProtectedImage Image = Samples.Image().Protect();

    /// <summary>File and offset of one bit flip; negative offsets count from the end.</summary>
    public static TheoryData<string, int> Flips()
    {
        var data = new TheoryData<string, int>();
        void Add(string path, params int[] offsets)
        {
            foreach (var offset in offsets)
            {
                data.Add(path, offset);
            }
        }

        // Magic, rest of the first block, every block's border, last byte.
        Add(Program, 0, 1, 2, 3, 4, 5, 63, 64, 4095, 4096, 4097, 8191, 8192, 9999);
        Add("/usr/lib/library.so.1", 0, 4, 4095, 4096, 8191);
        Add("/usr/bin/script", 0, 1, 2, 3, 4, 18);
        Add("/etc/data", 0, 5, 10);

        // Nonce, version, key, publisher, tag, reserved.
        Add(Key, 0, 11, 12, 15, 16, 47, 48, 79, 80, 95, 96, 127);

        // COSE: tag, array, protected header, map, length of the payload, payload, signature.
        Add(Manifest, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 30, 50, 80, 100, 150, 200, 250, 300, -200, -150, -100, -99, -98, -97, -96, -95, -49, -48, -47, -1);

        // Header of the table: magic, version, size, count, offset, length, reserved.
        Add(Files, 0, 7, 8, 12, 16, 23, 24, 31, 32, 39, 40, 47, 48, 127);

        // Each field of the first and the last record, and the string area.
        foreach (var record in (int[])[0, 5])
        {
            Add(Files, [.. ((int[])[0, 31, 32, 63, 64, 95, 96, 103, 104, 111, 112, 113, 114, 115, 116, 119, 120, 123, 124, 127]).Select(offset => Header + (record * Record) + offset)]);
        }

        // The digest of the only page, and the string area before it.
        Add(Files, -1, -5, -20, -32, -33, -40, -60, -90);
        Add(Tags, 0, 15, 16, 31, 32, 47, 48, 60, -1);
        return data;
    }

    [Theory]
    [MemberData(nameof(Flips))]
    public void A_flipped_bit_is_refused(string path, int offset)
    {
        for (var bit = 0; bit < 8; bit += 7)
        {
            var root = Samples.Change(Image.Root, path, bytes =>
            {
                bytes[offset < 0 ? bytes.Length + offset : offset] ^= (byte)(1 << bit);
                return bytes;
            });
            var refused = Assert.Throws<ImageRefusedException>(() => Samples.Verify(root));
            Assert.StartsWith("/", refused.File);
        }
    }

    public static TheoryData<string, int> Lengths()
    {
        var data = new TheoryData<string, int>();
        foreach (var path in (string[])[Program, "/usr/lib/library.so.1", "/usr/bin/script", Manifest, Files, Tags, Key])
        {
            foreach (var change in (int[])[-1, 1, -16, 16, -128, 128, -4096, 4096, int.MinValue])
            {
                data.Add(path, change);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Another_length_is_refused_by_the_file_s_name(string path, int change)
    {
        var root = Samples.Change(Image.Root, path, bytes =>
        {
            Array.Resize(ref bytes, Math.Max(0, bytes.Length + change));
            return bytes;
        });
        Assert.Equal(path, Refused(root).File);
    }

    [Theory]
    [InlineData("/etc")]
    [InlineData("/etc/data")]
    [InlineData("/etc/empty")]
    [InlineData(Program)]
    [InlineData("/usr/bin/other")]
    [InlineData("/usr/lib/library.so.1")]
    [InlineData("/usr/bin/script")]
    [InlineData("/usr/lib/library.so")]
    [InlineData("/bin")]
    [InlineData(Manifest)]
    [InlineData(Files)]
    [InlineData(Tags)]
    [InlineData(Key)]
    public void A_missing_file_is_refused(string path) =>
        Assert.Throws<ImageRefusedException>(() => Samples.Verify(Samples.Change(Image.Root, root => root.Remove(RootPath.Parse(path)))));

    [Fact]
    public void Swapped_files_blocks_and_tags_are_refused()
    {
        var root = Samples.Change(Image.Root, copy =>
        {
            var (one, two) = (copy[Program]!, copy["/usr/bin/other"]!);
            copy.Add(two.At(one.Path));
            copy.Add(one.At(two.Path));
        });
        Assert.Contains(Refused(root).File, (string[])[Program, "/usr/bin/other"]);

        root = Samples.Change(Image.Root, "/usr/lib/library.so.1", bytes => [.. bytes[..4], .. bytes[4100..], .. bytes[..4], .. bytes[4..4096]]);
        Assert.Equal("/usr/lib/library.so.1", Refused(root).File);

        root = Samples.Change(Image.Root, Program, bytes => [.. bytes[..4096], .. bytes[4096..8192], .. bytes[4096..5904]]);
        Assert.Equal(Program, Refused(root).File);

        root = Samples.Change(Image.Root, Tags, bytes => [.. bytes[16..32], .. bytes[..16], .. bytes[32..]]);
        _ = Refused(root);
    }

    [Theory]
    [InlineData(Manifest)]
    [InlineData(Files)]
    [InlineData(Tags)]
    [InlineData(Key)]
    [InlineData(Program)]
    public void A_file_of_another_version_is_refused(string path)
    {
        // Same publisher, same content key: only counter, data and one program differ.
        var next = Samples.Image().AddFile(Program, Samples.Elf(Samples.ProgramLength, 77)).AddFile("/usr/bin/new", Samples.Elf(500, 78))
            .Protect(new ProtectionOptions { Counter = 2 });
        var root = Samples.Change(Image.Root, copy => copy.Add(next.Root[path]!));
        _ = Refused(root);
    }

    [Fact]
    public void A_file_s_older_content_under_the_same_content_key_is_refused()
    {
        var options = new ProtectionOptions { ContentKey = new byte[32] };
        var (one, two) = (Samples.Image().Protect(options), Samples.Image().AddFile(Program, Samples.Elf(Samples.ProgramLength, 77)).Protect(options));
        var root = Samples.Change(two.Root, copy => copy.Add(one.Root[Program]!));
        Assert.Equal(Program, Refused(root).File);

        // With its tags as well.
        var (before, after) = (RecordOf(one, Program), RecordOf(two, Program));
        root = Samples.Change(root, Tags, bytes =>
        {
            one.Root[ImageFormat.Tags]!.Content!.ReadAllBytes().AsSpan((int)before.TagsOffset, (int)before.TagsLength).CopyTo(bytes.AsSpan((int)after.TagsOffset));
            return bytes;
        });
        Assert.Equal(Program, Refused(root).File);
    }

    [Theory]
    [InlineData("/usr/bin/planted", true)]
    [InlineData("/usr/lib/planted.so", false)]
    public void Unlisted_files_are_refused(string path, bool isExecutable)
    {
        var root = Samples.Change(Image.Root, copy => copy.Add(RootEntry.File(RootPath.Parse(path), ContentSource.FromBytes(Samples.Elf(100, 5)), isExecutable ? 0x1ED : 0x1A4)));
        Assert.Equal(path, Refused(root).File);

        root = Samples.Change(Image.Root, copy => copy.Add(copy[Program]!.At(RootPath.Parse(path))));
        Assert.Equal(path, Refused(root).File);
    }

    [Fact]
    public void Unlisted_scripts_links_and_strangers_are_refused()
    {
        Assert.Equal("/x", Refused(Samples.Change(Image.Root, copy => copy.Add(RootEntry.File(RootPath.Parse("/x"), ContentSource.FromText("#!/bin/program\n"), 0x1ED)))).File);
        Assert.Equal("/x", Refused(Samples.Change(Image.Root, copy => copy.Add(RootEntry.Link(RootPath.Parse("/x"), "bin/program")))).File);
        Assert.Equal("/etc/x", Refused(Samples.Change(Image.Root, copy => copy.Add(RootEntry.File(RootPath.Parse("/etc/x"), ContentSource.FromText("data"))))).File);
        Assert.Equal("/x", Refused(Samples.Change(Image.Root, copy => copy.Add(RootEntry.Directory(RootPath.Parse("/x"))))).File);
        _ = Samples.Verify(Samples.Change(Image.Root, copy => copy.Add(RootEntry.File(RootPath.Parse("/tmp/x"), ContentSource.FromText("data")))));
        Assert.Equal("/.blackbox/x", Refused(Samples.Change(Image.Root, copy => copy.Add(RootEntry.File(RootPath.Parse("/.blackbox/x"), ContentSource.FromText(""))))).File);
    }

    [Fact]
    public void Links_kinds_modes_and_owners_are_bound()
    {
        foreach (var path in (string[])["/", "/etc", "/etc/data", Program, "/bin"])
        {
            Assert.Equal(path, Refused(Samples.Change(Image.Root, copy => copy.Add(copy[path]! with { UserId = 5 }))).File);
            Assert.Equal(path, Refused(Samples.Change(Image.Root, copy => copy.Add(copy[path]! with { GroupId = 5 }))).File);
        }

        Assert.Equal("/etc", Refused(Samples.Change(Image.Root, copy => copy.Add(copy["/etc"]! with { Mode = 0x1FF }))).File);
        Assert.Equal("/bin", Refused(Samples.Change(Image.Root, copy => copy.Add(RootEntry.Link(RootPath.Parse("/bin"), "usr/lib")))).File);
        Assert.Equal(Program, Refused(Samples.Change(Image.Root, copy => copy.Add(copy[Program]! with { Mode = 0x9ED }))).File);
        Assert.Equal(Program, Refused(Samples.Change(Image.Root, copy => copy.Add(copy[Program]! with { Mode = 0x1A4 }))).File);
        Assert.Equal(Program, Refused(Samples.Change(Image.Root, copy => copy.Add(RootEntry.Link(RootPath.Parse(Program), "other")))).File);
        Assert.Equal("/usr/lib/library.so", Refused(Samples.Change(Image.Root, copy => copy.Add(copy[Program]!.At(RootPath.Parse("/usr/lib/library.so"))))).File);
    }

    [Fact]
    public void Another_publisher_cannot_sign_the_same_image()
    {
        using var other = PublisherKey.Create();
        var manifest = SignedManifest.Read(Image.Root[ImageFormat.Manifest]!.Content!.ReadAllBytes());
        var root = Samples.Change(Image.Root, Manifest, _ => SignedManifest.Sign(manifest with { Publisher = other.Public }, other));
        Assert.Equal(Manifest, Refused(root).File);

        // With the owner's key named, but signed by another.
        root = Samples.Change(Image.Root, Manifest, _ => SignedManifest.Sign(manifest, other));
        Assert.Equal(Manifest, Refused(root).File);
    }

    /// <summary>What even the publisher's signature does not make acceptable.</summary>
    public static TheoryData<string> BadTables() => ["order", "duplicate", "flags", "gap", "count", "link-mode", "link-target", "string-rest", "head", "clear-salt", "huge", "entry", "name", "two-directories", "directory-mode"];

    [Theory]
    [MemberData(nameof(BadTables))]
    public void A_malformed_table_is_refused_although_it_is_signed(string what)
    {
        var table = Image.Root[ImageFormat.Files]!.Content!.ReadAllBytes()[..(int)Image.Manifest.TableLength];
        var records = Image.Records.ToList();
        int Offset(string path) => Header + (records.IndexOf(RecordOf(Image, path)) * Record);
        var code = Offset(Program);
        var link = Offset("/bin");
        switch (what)
        {
            case "order":
                table = [.. table[..Header], .. table[(Header + Record)..(Header + (2 * Record))], .. table[Header..(Header + Record)], .. table[(Header + (2 * Record))..]];
                break;
            case "duplicate":
                table.AsSpan(Header, Record).CopyTo(table.AsSpan(Header + Record));
                break;
            case "flags":
                table[code + 114] = 7;
                break;
            case "gap":
                table[code + 104] ^= 16;
                break;
            case "count":
                table[16]--;
                break;
            case "link-mode":
                table[link + 112] ^= 1;
                break;
            case "link-target":
                BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(link + 104), 1000);
                break;
            case "string-rest":
                table[32]++;
                table = [.. table, 0];
                break;
            case "head":
                table[Offset("/etc/data") + 124] = 1;
                break;
            case "clear-salt":
                table[link + 64] = 1;
                break;
            case "name":
                table.AsSpan().Slice(table.AsSpan().IndexOf("library.so.1"u8), 1)[0] = (byte)'m';
                break;
            case "two-directories":
                // The number of a file in its directory is that of another.
                var at = table.AsSpan().IndexOf("program"u8) - 6;
                table[at]++;
                break;
            case "directory-mode":
                table[Offset("/etc") + 113] = 0x80;
                break;
            case "huge":
                table.AsSpan(code + 96, 8).Fill(0xFF);
                break;
            default:
                // The entry point as plain data.
                table[code + 114] = 1;
                table.AsSpan(code + 124, 4).Clear();
                break;
        }

        using var publisher = InMemoryImage.TestPublisher();
        var pages = FileTable.PageDigests(table);
        var manifest = Image.Manifest with { TableDigest = System.Security.Cryptography.SHA384.HashData(pages), TableLength = table.Length };
        var root = Samples.Change(Samples.Change(Image.Root, Files, _ => [.. table, .. pages]), Manifest, _ => SignedManifest.Sign(manifest, publisher));
        _ = Refused(root);
    }

    [Fact]
    public void Random_damage_never_passes_and_never_crashes()
    {
        var random = new Random(20_260_101);
        string[] paths = [Program, Manifest, Files, Tags, Key, "/etc/data", "/usr/bin/script"];
        for (var round = 0; round < 400; round++)
        {
            var path = paths[round % paths.Length];
            var root = Samples.Change(Image.Root, path, bytes =>
            {
                var start = random.Next(bytes.Length);
                var part = bytes.AsSpan(start, random.Next(1, Math.Min(64, bytes.Length - start) + 1));
                var before = part.ToArray();
                do
                {
                    random.NextBytes(part);
                }
                while (part.SequenceEqual(before));
                return bytes;
            });
            _ = Refused(root);
        }
    }

    private static FileRecord RecordOf(ProtectedImage image, string path) => image.Records[image.Paths.ToList().IndexOf(RootPath.Parse(path))];

    private static ImageRefusedException Refused(RootFilesystem root) => Assert.Throws<ImageRefusedException>(() => Samples.Verify(root));
}
