using System.Security.Cryptography;
using Xunit;

namespace BlackBox.Images.Tests;

public sealed class ProtectionTests
{
    [Theory]
    [InlineData(EncryptionScope.Elf)]
    [InlineData(EncryptionScope.All)]
    public void What_was_protected_verifies_and_decrypts_to_what_it_was(EncryptionScope scope)
    {
        var clear = Samples.Image();
        var result = Samples.Verify(clear.Protect(new ProtectionOptions { Scope = scope }).Root);

        foreach (var entry in clear.Root.Entries)
        {
            Assert.Equal((entry.Kind, entry.Mode, entry.LinkTarget), (result.Plain![entry.Path]!.Kind, result.Plain[entry.Path]!.Mode, result.Plain[entry.Path]!.LinkTarget));
        }

        // What was added is a place to mount over, and nothing else.
        Assert.All(result.Plain!.Entries.Where(entry => !clear.Root.Contains(entry.Path)), entry => Assert.True(entry.Length == 0 && entry.Kind is RootEntryKind.Directory or RootEntryKind.RegularFile));
        foreach (var entry in clear.Root.Entries.Where(entry => entry.Kind == RootEntryKind.RegularFile))
        {
            Assert.Equal(entry.Content!.ReadAllBytes(), result.Plain[entry.Path]!.Content!.ReadAllBytes());
        }
    }

    [Theory]
    [InlineData(20)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(8192)]
    [InlineData(1_000_003)]
    public void Every_length_survives(int length)
    {
        var program = Samples.Elf(length, length);
        var image = new InMemoryImage("length").AddFile("/program", program).Start("/program").Protect();

        Assert.Equal(program, Samples.Verify(image.Root).Plain!["/program"]!.Content!.ReadAllBytes());
        Assert.Equal((length + 4095) / 4096 * 16, image.Root[ImageFormat.Tags]!.Length);
        Assert.Equal((length + 4095) / 4096 * 16, image.Records.Single(record => record.Size == length).TagsLength);
    }

    [Fact]
    public void Nothing_of_a_program_is_left_in_clear_and_its_size_and_mode_stay()
    {
        var clear = Samples.Image();
        var image = clear.Protect();
        foreach (var path in (string[])["/usr/bin/program", "/usr/bin/other", "/usr/lib/library.so.1"])
        {
            var (before, after) = (clear.Root[path]!.Content!.ReadAllBytes(), image.Root[path]!.Content!.ReadAllBytes());
            Assert.Equal(before.Length, after.Length);
            Assert.Equal(clear.Root[path]!.Mode, image.Root[path]!.Mode);
            Assert.True(after.AsSpan().StartsWith((byte[])[0x7F, 0x42, 0x42, 0x58]));
            for (var i = 0; i + 16 <= before.Length; i++)
            {
                Assert.True(after.AsSpan().IndexOf(before.AsSpan(i, 16)) < 0, $"{path} at {i}");
            }
        }
    }

    [Fact]
    public void Everything_but_what_runtimes_read_is_encrypted_and_everything_is_listed()
    {
        var image = Samples.Image().AddFile("/etc/hosts", "x"u8.ToArray(), 0x1A4).AddFile("/etc/passwd", "y"u8.ToArray(), 0x1A4).AddFile("/tmp/scratch", "z"u8.ToArray(), 0x1A4).Protect();
        foreach (var entry in image.Root.Entries.Where(entry => !entry.Path.IsWithin(ImageFormat.Folder)))
        {
            Assert.Equal(image.Manifest.Policy.IsOutside(entry.Path), !image.Paths.Contains(entry.Path));
        }

        Assert.Equal(FileFlags.Protected, RecordOf(image, "/etc/data").Flags);
        Assert.Equal(FileFlags.Protected, RecordOf(image, "/etc/empty").Flags);
        Assert.Equal(FileFlags.Protected | FileFlags.Script, RecordOf(image, "/usr/bin/script").Flags);
        Assert.Equal(FileFlags.None, RecordOf(image, "/etc/passwd").Flags);
        Assert.Equal("y"u8.ToArray(), image.Root["/etc/passwd"]!.Content!.ReadAllBytes());
        Assert.Equal("z"u8.ToArray(), image.Root["/tmp/scratch"]!.Content!.ReadAllBytes());
        Assert.NotEqual("clear data\n"u8.ToArray(), image.Root["/etc/data"]!.Content!.ReadAllBytes());
        Assert.True(image.Root["/usr/bin/script"]!.Content!.ReadAllBytes().AsSpan().StartsWith((byte[])[0x7F, 0x42, 0x42, 0x58]));
        Assert.Equal(["data", "empty", "hostname", "hosts", "passwd", "resolv.conf"], RecordOf(image, "/etc").Names.Select(item => item.Name));
        Assert.Equal(-1, RecordOf(image, "/etc").Names.Single(item => item.Name == "hosts").Record);
        _ = Samples.Verify(image.Root);
    }

    [Fact]
    public void Under_the_smaller_scope_data_stays_readable_but_not_changeable()
    {
        var image = Samples.Image().Protect(new ProtectionOptions { Scope = EncryptionScope.Elf });
        Assert.Equal("clear data\n"u8.ToArray(), image.Root["/etc/data"]!.Content!.ReadAllBytes());
        Assert.Equal(FileFlags.None, RecordOf(image, "/etc/data").Flags);
        var changed = Samples.Change(image.Root, "/etc/data", bytes => "Clear data\n"u8.ToArray());
        Assert.Equal("/etc/data", Assert.Throws<ImageRefusedException>(() => Samples.Verify(changed)).File);
    }

    [Fact]
    public void Writable_and_clear_paths_are_canonical_and_none_lies_within_another()
    {
        var policy = Samples.Image().AddLink("/var/run", "/run").AddLink("/data", "/srv/data").Writable("/var/run/x", "/data", "/var/lib/y/", "/var/lib/y/z")
            .Protect().Manifest.Policy;
        Assert.Equal(["/run", "/srv/data", "/tmp", "/var/lib/y", "/var/tmp"], policy.WritablePaths);
        foreach (var bad in (string[])["/", "relative", "/bin/program/x", "/..", "/loop/x"])
        {
            _ = Assert.Throws<ImageRefusedException>(() => Samples.Image().AddLink("/loop", "loop").Writable(bad).Protect());
        }
    }

    [Fact]
    public void Equal_input_and_keys_give_equal_images_and_any_difference_other_keys()
    {
        var (one, two) = (Samples.Image().Protect(), Samples.Image().Protect());
        Assert.Equal(Bytes(one.Root), Bytes(two.Root));

        var other = Samples.Image().AddFile("/etc/data", "other"u8.ToArray(), 0x1A4).Protect();
        Assert.NotEqual(one.Root["/usr/bin/program"]!.Content!.ReadAllBytes(), other.Root["/usr/bin/program"]!.Content!.ReadAllBytes());
        using var publisher = PublisherKey.Create();
        Assert.NotEqual(one.Root[ImageFormat.Key]!.Content!.ReadAllBytes(), Samples.Image().Protect(publisher: publisher).Root[ImageFormat.Key]!.Content!.ReadAllBytes());
    }

    [Fact]
    public void Under_one_content_key_no_two_files_share_their_key()
    {
        var same = Samples.Elf(5000, 9);
        var image = new InMemoryImage("same").AddFile("/a", same).AddFile("/b", same).Start("/a").Protect(new ProtectionOptions { ContentKey = new byte[32] });
        Assert.NotEqual(image.Root["/a"]!.Content!.ReadAllBytes()[4..], image.Root["/b"]!.Content!.ReadAllBytes()[4..]);

        var changed = same.ToArray();
        changed[4999] ^= 1;
        var next = new InMemoryImage("same").AddFile("/a", changed).AddFile("/b", same).Start("/a").Protect(new ProtectionOptions { ContentKey = new byte[32] });
        Assert.Equal(image.Root["/b"]!.Content!.ReadAllBytes(), next.Root["/b"]!.Content!.ReadAllBytes());
        var (before, after) = (image.Root["/a"]!.Content!.ReadAllBytes(), next.Root["/a"]!.Content!.ReadAllBytes());
        Assert.NotEqual(before[4..4096], after[4..4096]);
    }

    [Fact]
    public void A_protected_file_can_be_read_from_anywhere()
    {
        var program = Samples.Elf(10_000, 4);
        var root = new InMemoryImage("seek").AddFile("/program", program).Start("/program").Protect().Root;
        using var stream = Samples.Verify(root).Plain!["/program"]!.Content!.Open();
        foreach (var offset in (int[])[9_999, 0, 4095, 4096, 8190, 17])
        {
            stream.Position = offset;
            Assert.Equal(program[offset], stream.ReadByte());
        }

        stream.Position = 10_000;
        Assert.Equal(-1, stream.ReadByte());
    }

    [Fact]
    public void The_monitor_opens_the_wrapped_key()
    {
        var key = RandomNumberGenerator.GetBytes(32);
        using var publisher = PublisherKey.Create();
        var file = Samples.Image().Protect(new ProtectionOptions { ContentKey = key }, publisher).Root[ImageFormat.Key]!.Content!.ReadAllBytes();

        var blob = Assert.Single(WrappedKey.ReadAll(file)).ToBlob();
        Assert.True(DevelopmentPlatform.TryUnwrap(blob));
        Assert.Equal(key, blob[112..144]);
        Assert.Equal(SHA256.HashData(publisher.Public), blob[144..176]);
    }

    [Fact]
    public void An_image_for_two_platforms_opens_on_both_and_on_no_other()
    {
        var (mine, yours) = (PlatformKey.Create("mine"), PlatformKey.Create("yours"));
        var forMine = PlatformKey.FromPem("mine", mine.ToPem());    // publishers have the public half only
        Assert.False(forMine.HasPrivateKey);
        var root = Samples.Image().Protect(new ProtectionOptions { Platforms = [forMine, PlatformKey.Development] }).Root;

        Assert.Equal([mine.Id, PlatformKey.Development.Id], StoredImage.Read(root).Keys.Select(key => key.PlatformId));
        _ = Samples.Verify(root);
        _ = Samples.Verify(root, new VerificationOptions { Platforms = [mine] });
        var refused = Assert.Throws<ImageRefusedException>(() => Samples.Verify(root, new VerificationOptions { Platforms = [yours] }));
        Assert.Equal("/.blackbox/key", refused.File);
    }

    [Fact]
    public void Only_the_publisher_asked_for_is_accepted()
    {
        using var mine = PublisherKey.Create();
        using var other = PublisherKey.Create();
        var root = Samples.Image().Protect(publisher: mine).Root;
        _ = Samples.Verify(root, new VerificationOptions { Publisher = mine.Digest });
        Assert.Throws<ImageRefusedException>(() => Samples.Verify(root, new VerificationOptions { Publisher = other.Digest }));
        Assert.Throws<ImageRefusedException>(() => Samples.Verify(root, new VerificationOptions { Publisher = other.Digest, Decrypt = false }));
    }

    [Fact]
    public void What_cannot_be_protected_is_refused_with_its_name()
    {
        Assert.Equal("/none", Refused(Samples.Image().Start("/none")).File);
        Assert.Equal("/etc/data", Refused(Samples.Image().Start("/etc/data")).File);
        Assert.Equal("/etc/blob", Refused(Samples.Image().AddFile("/etc/blob", "no program"u8.ToArray()).Start("/etc/blob")).File);
        Assert.Equal("/.blackbox", Refused(Samples.Image().AddFile("/.blackbox/x", "y"u8.ToArray())).File);
        Assert.Equal("/x", Refused(Samples.Image().AddFile("/x", (byte[])[0x7F, 0x42, 0x42, 0x58, 0])).File);
        Assert.Equal("sample", Refused(Samples.Image().Start()).File);
    }

    [Fact]
    public void A_device_inside_of_the_image_is_refused_and_one_outside_is_kept()
    {
        var image = Samples.Image();
        image.Root.Add(RootEntry.Device(RootPath.Parse("/dev/null"), false, 1, 3));
        _ = Samples.Verify(image.Protect().Root);
        image.Root.Add(RootEntry.Pipe(RootPath.Parse("/srv/pipe")));
        Assert.Equal("/srv/pipe", Refused(image).File);
    }

    [Fact]
    public void As_many_files_as_the_format_takes_are_listed_and_one_more_is_refused()
    {
        var image = new InMemoryImage("many").AddFile("/program", Samples.Elf(100, 1)).Start("/program");
        for (var i = 0; i < ImageFormat.MaximumRecords - 200; i++)
        {
            image.AddFile($"/f/{i % 150}/{i}", default, 0x1A4);
        }

        var made = image.Protect();
        Assert.InRange(made.Records.Count, ImageFormat.MaximumRecords - 60, ImageFormat.MaximumRecords);
        _ = Samples.Verify(made.Root);
        for (var i = 0; i < 300; i++)
        {
            image.AddFile($"/g/{i}", default, 0x1A4);
        }

        _ = Refused(image);
    }

    private static FileRecord RecordOf(ProtectedImage image, string path) => image.Records[image.Paths.ToList().IndexOf(RootPath.Parse(path))];

    private static ImageRefusedException Refused(InMemoryImage image) => Assert.Throws<ImageRefusedException>(() => image.Protect());

    private static byte[] Bytes(RootFilesystem root)
    {
        using var stream = new MemoryStream();
        foreach (var entry in root.Entries)
        {
            stream.Write(System.Text.Encoding.UTF8.GetBytes($"{entry.Path} {entry.Kind} {entry.Mode} {entry.LinkTarget}\n"));
            stream.Write(entry.Content?.ReadAllBytes() ?? []);
        }

        return stream.ToArray();
    }
}
