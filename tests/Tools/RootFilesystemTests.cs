using BlackBox.Images;
using CsCheck;
using Xunit;

namespace BlackBox.Tools.Tests;

public sealed class RootFilesystemTests
{
    private static RootPath At(string path) => RootPath.Parse(path);

    private static RootEntry Text(string path, string text) => RootEntry.File(At(path), ContentSource.FromText(text));

    [Fact]
    public void Missing_folders_are_made_and_stand_before_their_content()
    {
        var root = new RootFilesystem();
        root.Add(Text("/a/b/c", "x"));
        Assert.Equal(["/", "/a", "/a/b", "/a/b/c"], root.Entries.Select(entry => entry.Path.Text));
    }

    [Fact]
    public void A_file_is_no_folder_and_a_full_folder_no_file()
    {
        var root = new RootFilesystem();
        root.Add(Text("/a/b", "x"));
        Assert.Throws<InvalidDataException>(() => root.Add(Text("/a/b/c", "x")));
        Assert.Throws<InvalidDataException>(() => root.Add(Text("/a", "x")));
        Assert.Throws<InvalidDataException>(() => root.Add(Text("/", "x")));
    }

    [Fact]
    public void Links_are_followed_inside_the_root_only()
    {
        var root = new RootFilesystem();
        root.Add(Text("/usr/lib/real", "x"));
        root.Add(RootEntry.Link(At("/lib"), "usr/lib"));
        root.Add(RootEntry.Link(At("/usr/lib/link"), "../../../../lib/real"));
        root.Add(RootEntry.Link(At("/absolute"), "/lib/link"));
        root.Add(RootEntry.Link(At("/loop"), "loop"));
        root.Add(RootEntry.Link(At("/dangling"), "nowhere"));
        Assert.Equal("/usr/lib/real", root.Resolve("/absolute")?.Path.Text);
        Assert.Null(root.Resolve("/loop"));
        Assert.Null(root.Resolve("/dangling"));
        var links = new List<RootEntry>();
        root.Resolve("/absolute", links);
        Assert.Equal(["/absolute", "/lib", "/usr/lib/link", "/lib"], links.Select(link => link.Path.Text));
    }

    [Fact]
    public void An_archive_gives_back_what_was_written()
    {
        using var folder = new TemporaryFolder();
        var name = Gen.OneOf("a", "b", "ü", "with space", new string('n', 120));
        var file = Gen.Select(name.Array[1, 3], Gen.Byte.Array[0, 2000], Gen.Int[0, 0xFFF], Gen.Int[0, 70000]);
        file.List[0, 8].Sample(
            files =>
            {
                var root = new RootFilesystem();
                foreach (var (parts, bytes, mode, owner) in files)
                {
                    var path = At(string.Join('/', parts));
                    if (root.Entries.Any(entry => entry.Kind == RootEntryKind.RegularFile && path.IsWithin(entry.Path)) || root.Contains(path))
                    {
                        continue;
                    }

                    root.Add(RootEntry.File(path, ContentSource.FromBytes(bytes), mode) with { UserId = owner, GroupId = owner / 2 });
                }

                root.Add(RootEntry.Link(At("/link"), "a/b"));
                root.Add(RootEntry.Device(At("/null"), isBlock: false, 1, 3, 0x1B6));
                root.Add(RootEntry.Pipe(At("/pipe"), 0x180));
                var archive = folder.File(Guid.NewGuid().ToString("N"));
                using (var output = File.Create(archive))
                {
                    RootFilesystemTar.Write(root, output);
                }

                Equal(root, RootFilesystemTar.Read(archive));
            },
            iter: 50);
    }

    [Fact]
    public void Equal_content_gives_equal_archives()
    {
        static byte[] Archive(params string[] names)
        {
            var root = new RootFilesystem();
            foreach (var item in names)
            {
                root.Add(Text(item, item));
            }

            using var stream = new MemoryStream();
            RootFilesystemTar.Write(root, stream);
            return stream.ToArray();
        }

        Assert.Equal(Archive("/a", "/b/c"), Archive("/b/c", "/a"));
    }

    [Fact]
    public void A_folder_of_the_host_is_read_without_following_links()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("root/sub"));
        File.WriteAllText(folder.File("root/sub/file"), "text");
        File.SetUnixFileMode(folder.File("root/sub/file"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(folder.File("root/escape"), "/etc");
        var root = RootFilesystemFolder.Read(folder.File("root"));
        Assert.Equal(["/", "/escape", "/sub", "/sub/file"], root.Entries.Select(entry => entry.Path.Text));
        Assert.Equal(RootEntryKind.SymbolicLink, root["/escape"]!.Kind);
        Assert.Equal(0x140, root["/sub/file"]!.Mode);

        RootFilesystemFolder.Write(root, folder.File("copy"));
        Equal(root, RootFilesystemFolder.Read(folder.File("copy")));
        Assert.Throws<IOException>(() => RootFilesystemFolder.Write(root, folder.File("copy")));
    }

    private static void Equal(RootFilesystem expected, RootFilesystem actual)
    {
        Assert.Equal(expected.Entries.Select(entry => entry.Path.Text), actual.Entries.Select(entry => entry.Path.Text));
        foreach (var (a, b) in expected.Entries.Zip(actual.Entries).Skip(1))
        {
            Assert.Equal((a.Kind, a.Mode, a.UserId, a.GroupId, a.LinkTarget, a.DeviceMajor, a.DeviceMinor), (b.Kind, b.Mode, b.UserId, b.GroupId, b.LinkTarget, b.DeviceMajor, b.DeviceMinor));
            Assert.Equal(a.Content?.ReadAllBytes(), b.Content?.ReadAllBytes());
        }
    }
}
