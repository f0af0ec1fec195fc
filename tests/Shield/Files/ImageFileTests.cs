using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using BlackBox.Images;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>The image's files as a program sees them: from the signed table and verified pages, whatever the OS says.</summary>
public class ImageFileTests(ITestOutputHelper output)
{
    private const string Program = "/usr/bin/program";
    private const ulong Scratch = 0x5000_0000;
    private const uint ReadOnly = 0;
    private const uint Create = 0x40;

    private static readonly byte[] Large = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 31))];

    private static readonly BlackBox.Images.ProtectedImage Image = new InMemoryImage("files")
        .AddFile(Program, TestElf.Make(0x40_0000, 1))
        .AddFile("/etc/config", "secret = 1\n"u8.ToArray(), 0x180)
        .AddFile("/etc/passwd", "root:x:0:0::/root:/bin/sh\n"u8.ToArray(), 0x1A4)
        .AddFile("/etc/empty", default, 0x1A4)
        .AddFile("/srv/large", Large, 0x124)
        .AddLink("/etc/link", "../srv/large")
        .AddDirectory("/etc/dir", 0x1C0)
        .Writable("/data")
        .Start(Program).Protect();

    private static LoaderMachine Started(BlackBox.Images.ProtectedImage? image = null)
    {
        LoaderMachine machine = new(image ?? Image);
        Assert.Equal(0, machine.Start(Program, [Program]));
        Assert.True(AddressSpaces.TryMapAnonymous(ref machine.Thread, Scratch, 1 << 20, 3));
        return machine;
    }

    private static long Call(LoaderMachine machine, Sys number, params ulong[] arguments)
    {
        CallArguments a = default;
        for (int i = 0; i < arguments.Length; i++)
        {
            a[i] = arguments[i];
        }

        return Dispatcher.Serve(ref machine.Thread, (uint)number, ref a);
    }

    private static ulong Text(LoaderMachine machine, string text, ulong at = Scratch)
    {
        Assert.True(UserMemory.TryWrite(ref machine.Thread, at, Encoding.UTF8.GetBytes(text + "\0")));
        return at;
    }

    private static long Open(LoaderMachine machine, string path, uint flags = ReadOnly) =>
        Call(machine, Sys.openat, PathWork.CurrentDirectory, Text(machine, path), flags, 0x1A4);

    private static byte[]? ReadAll(LoaderMachine machine, string path)
    {
        long descriptor = Open(machine, path);
        if (descriptor < 0)
        {
            Assert.Equal(-Errno.EIO, descriptor);
            return null;
        }

        List<byte> all = [];
        while (true)
        {
            long read = Call(machine, Sys.read, (ulong)descriptor, Scratch + 8192, 40_000);
            if (read <= 0)
            {
                Assert.True(read is 0 or -Errno.EIO);
                return read == 0 ? [.. all] : null;
            }

            all.AddRange(machine.Read(Scratch + 8192, (int)read));
        }
    }

    private static byte[] Status(LoaderMachine machine, string path, ulong flags = 0)
    {
        Assert.Equal(0, Call(machine, Sys.newfstatat, PathWork.CurrentDirectory, Text(machine, path), Scratch + 8192, flags));
        return machine.Read(Scratch + 8192, 128);
    }

    private static long StatusError(LoaderMachine machine, string path) =>
        Call(machine, Sys.newfstatat, PathWork.CurrentDirectory, Text(machine, path), Scratch + 8192, 0);

    private static Dictionary<string, (ulong Number, byte Type)> List(LoaderMachine machine, string path, ulong bytes)
    {
        long descriptor = Open(machine, path, OpenFlags.Directory);
        Assert.True(descriptor >= 0);
        Dictionary<string, (ulong, byte)> names = [];
        while (true)
        {
            long read = Call(machine, Sys.getdents64, (ulong)descriptor, Scratch + 8192, bytes);
            Assert.InRange(read, 0, (long)bytes);
            if (read == 0)
            {
                return names;
            }

            byte[] entries = machine.Read(Scratch + 8192, (int)read);
            for (int at = 0; at < entries.Length; at += BitConverter.ToUInt16(entries, at + 16))
            {
                int end = Array.IndexOf(entries, (byte)0, at + 19);
                names.Add(Encoding.UTF8.GetString(entries, at + 19, end - at - 19), (BitConverter.ToUInt64(entries, at), entries[at + 18]));
            }
        }
    }

    [Fact]
    public void Every_kind_of_file_is_read_decrypted_and_verified()
    {
        LoaderMachine machine = Started();
        Assert.Equal("secret = 1\n"u8.ToArray(), ReadAll(machine, "/etc/config"));
        Assert.Equal("root:x:0:0::/root:/bin/sh\n"u8.ToArray(), ReadAll(machine, "/etc/passwd"));
        Assert.Empty(ReadAll(machine, "/etc/empty")!);
        Assert.Equal(Large, ReadAll(machine, "/etc/link"));
        Assert.NotEqual("secret = 1\n"u8.ToArray(), machine.Files["/etc/config"]);
        Assert.Equal("root:x:0:0::/root:/bin/sh\n"u8.ToArray(), machine.Files["/etc/passwd"]);
        Assert.Empty(machine.Lines);
    }

    [Fact]
    public void Status_is_the_tables_and_the_OS_is_not_asked()
    {
        LoaderMachine machine = Started();
        foreach (RootEntry entry in Image.Root.Entries.Where(entry => !Image.Manifest.Policy.IsOutside(entry.Path) && !entry.Path.IsWithin(RootPath.Parse("/.blackbox"))))
        {
            byte[] status = Status(machine, entry.Path.Text, 0x100);
            uint type = entry.Kind switch { RootEntryKind.Directory => 0x4000u, RootEntryKind.SymbolicLink => 0xA000, _ => 0x8000 };
            Assert.Equal(type | (uint)entry.Mode, BitConverter.ToUInt32(status, 16));
            Assert.Equal((entry.UserId, entry.GroupId), (BitConverter.ToInt32(status, 24), BitConverter.ToInt32(status, 28)));
            long size = entry.Kind == RootEntryKind.Directory ? 4096 : entry.LinkTarget?.Length ?? entry.Length;
            Assert.Equal(size, BitConverter.ToInt64(status, 48));
            Assert.Equal(0, Call(machine, Sys.statx, PathWork.CurrentDirectory, Text(machine, entry.Path.Text), 0x100, 0x7FF, Scratch + 8192));
            byte[] extended = machine.Read(Scratch + 8192, 256);
            Assert.Equal(size, BitConverter.ToInt64(extended, 40));
            Assert.Equal(BitConverter.ToUInt64(status, 8), BitConverter.ToUInt64(extended, 32));
        }

        long descriptor = Open(machine, "/srv/large");
        Assert.Equal(0, Call(machine, Sys.fstat, (ulong)descriptor, Scratch + 8192));
        Assert.Equal(Status(machine, "/srv/large"), machine.Read(Scratch + 8192, 128));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(300)]
    [InlineData(32_768)]
    public void Directories_list_the_signed_names_with_the_numbers_that_stat_gives(ulong bytes)
    {
        LoaderMachine machine = Started();
        Assert.Equal([".", "..", "config", "dir", "empty", "hostname", "hosts", "link", "passwd", "resolv.conf"], List(machine, "/etc", bytes).Keys.Order(StringComparer.Ordinal));
        Assert.Equal([".", "..", "data", "dev", "etc", "proc", "run", "srv", "sys", "tmp", "usr", "var"], List(machine, "/", bytes).Keys.Order(StringComparer.Ordinal));
        Assert.Equal([".", ".."], List(machine, "/etc/dir", bytes).Keys);
        foreach ((string name, (ulong number, byte type)) in List(machine, "/etc", bytes).Where(pair => pair.Key is "config" or "dir" or "link"))
        {
            byte[] status = Status(machine, "/etc/" + name, 0x100);
            Assert.Equal(number, BitConverter.ToUInt64(status, 8));
            Assert.Equal(type, (byte)(BitConverter.ToUInt32(status, 16) >> 12));
        }
    }

    [Fact]
    public void What_the_table_does_not_have_does_not_exist_even_if_the_OS_has_it()
    {
        LoaderMachine machine = Started();
        machine.Files["/etc/planted"] = "evil"u8.ToArray();
        machine.Files["/usr/lib/planted.so"] = "evil"u8.ToArray();
        foreach (string path in (string[])["/etc/planted", "/usr/lib/planted.so", "/.blackbox/manifest", "/nothing"])
        {
            Assert.Equal(-Errno.ENOENT, Open(machine, path));
            Assert.Equal(-Errno.ENOENT, StatusError(machine, path));
            Assert.Equal(-Errno.ENOENT, Call(machine, Sys.faccessat, PathWork.CurrentDirectory, Text(machine, path), 0));
            Assert.Equal(-Errno.ENOENT, Call(machine, Sys.readlinkat, PathWork.CurrentDirectory, Text(machine, path), Scratch + 8192, 100));
            Assert.Equal(-Errno.ENOENT, Call(machine, Sys.chdir, Text(machine, path)));
        }

        Assert.Equal(-Errno.ENOTDIR, Open(machine, "/etc/config/x"));
    }

    [Theory]
    [InlineData("/etc/config")]
    [InlineData("/etc/passwd")]
    [InlineData("/etc/empty")]
    [InlineData("/etc/dir")]
    public void What_the_OS_hides_is_an_error_and_named_but_stays_visible(string path)
    {
        LoaderMachine machine = Started();
        _ = machine.Files.Remove(path);
        _ = machine.Directories.Remove(path);
        Assert.Equal(-Errno.EIO, Open(machine, path));
        Assert.Contains(machine.Lines, line => line.Contains(path, StringComparison.Ordinal));
        Assert.Equal(0, StatusError(machine, path));
        Assert.Contains(path["/etc/".Length..], List(machine, "/etc", 4096).Keys);
    }

    [Fact]
    public void Nothing_changes_the_image()
    {
        LoaderMachine machine = Started();
        ulong Second(string path) => Text(machine, path, Scratch + 4096);
        const ulong Here = PathWork.CurrentDirectory;
        Assert.Equal(-Errno.EROFS, Open(machine, "/etc/config", 1));
        Assert.Equal(-Errno.EROFS, Open(machine, "/etc/config", 2));
        Assert.Equal(-Errno.EROFS, Open(machine, "/etc/config", 0x200));
        Assert.Equal(-Errno.EROFS, Open(machine, "/etc/new", Create | 1));
        Assert.Equal(-Errno.ENOENT, Open(machine, "/nothing/new", Create | 1));
        Assert.Equal(-Errno.EEXIST, Open(machine, "/etc/config", Create | 0x80));
        Assert.Equal(-Errno.EISDIR, Open(machine, "/etc", 1));
        Assert.Equal(-Errno.EROFS, Open(machine, "/etc", OpenFlags.Temporary | 2));
        Assert.Equal(-Errno.ELOOP, Open(machine, "/etc/link", OpenFlags.NoFollow));
        Assert.Equal(-Errno.ENOTDIR, Open(machine, "/etc/config", OpenFlags.Directory));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.mkdirat, Here, Text(machine, "/etc/new"), 0x1ED));
        Assert.Equal(-Errno.EEXIST, Call(machine, Sys.mkdirat, Here, Text(machine, "/etc/dir"), 0x1ED));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.mknodat, Here, Text(machine, "/etc/new"), 0x1000));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.symlinkat, Text(machine, "x"), Here, Second("/etc/new")));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.unlinkat, Here, Text(machine, "/etc/config"), 0));
        Assert.Equal(-Errno.ENOENT, Call(machine, Sys.unlinkat, Here, Text(machine, "/etc/new"), 0));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.renameat2, Here, Text(machine, "/etc/config"), Here, Second("/etc/new"), 0));
        Assert.Equal(-Errno.EXDEV, Call(machine, Sys.renameat2, Here, Text(machine, "/etc/config"), Here, Second("/data/new"), 0));
        Assert.Equal(-Errno.EXDEV, Call(machine, Sys.renameat2, Here, Text(machine, "/data/x"), Here, Second("/etc/config"), 0));
        Assert.Equal(-Errno.EXDEV, Call(machine, Sys.linkat, Here, Text(machine, "/etc/config"), Here, Second("/data/new"), 0));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.truncate, Text(machine, "/etc/config"), 1));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.fchmodat, Here, Text(machine, "/etc/config"), 0));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.fchownat, Here, Text(machine, "/etc/config"), 0, 0, 0));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.utimensat, Here, Text(machine, "/etc/config"), 0, 0));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.setxattr, Text(machine, "/etc/config"), Second("user.x"), Scratch, 1, 0));
        Assert.Equal(-Errno.ENODATA, Call(machine, Sys.getxattr, Text(machine, "/etc/config"), Second("user.x"), Scratch, 1));
        Assert.Equal(0, Call(machine, Sys.listxattr, Text(machine, "/etc/config"), Scratch, 1));
        ulong descriptor = (ulong)Open(machine, "/etc/config");
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.fchmod, descriptor, 0));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.fchown, descriptor, 0, 0));
        Assert.Equal(-Errno.EROFS, Call(machine, Sys.utimensat, descriptor, 0, 0, 0));
        Assert.Equal(-Errno.EBADF, Call(machine, Sys.write, descriptor, Scratch, 1));
        Assert.DoesNotContain(machine.Seen, call => call.Number is Sys.mkdirat or Sys.unlinkat or Sys.renameat2 or Sys.fchmodat or Sys.truncate or Sys.setxattr);
        Assert.Equal("secret = 1\n"u8.ToArray(), ReadAll(machine, "/etc/config"));
    }

    [Fact]
    public void Writable_and_clear_paths_are_the_OSs()
    {
        LoaderMachine machine = Started();
        machine.Files["/data/state"] = "kept"u8.ToArray();
        Assert.True(Open(machine, "/data/state", 2) >= 0);
        Assert.True(Open(machine, "/data/state") >= 0);
        Assert.Equal(-Errno.ENOENT, Open(machine, "/data/none"));
        Assert.Equal(0, Call(machine, Sys.mkdirat, PathWork.CurrentDirectory, Text(machine, "/tmp/new"), 0x1ED));
        Assert.Equal(0, Call(machine, Sys.unlinkat, PathWork.CurrentDirectory, Text(machine, "/data/state"), 0));
        Assert.Equal(2, machine.Seen.Count(call => call.Number is Sys.mkdirat or Sys.unlinkat));
    }

    [Fact]
    public void Paths_relative_to_directories_of_the_image_lead_into_it()
    {
        LoaderMachine machine = Started();
        long directory = Open(machine, "/etc", OpenFlags.Directory);
        Assert.Equal("secret = 1\n"u8.Length, BitConverter.ToInt64(StatusAt(machine, directory, "config"), 48));
        Assert.Equal(Large.Length, BitConverter.ToInt64(StatusAt(machine, directory, "link"), 48));
        Assert.Equal(0, Call(machine, Sys.chdir, Text(machine, "/etc/dir")));
        Assert.Equal("/etc/dir\0".Length, Call(machine, Sys.getcwd, Scratch + 8192, 100));
        Assert.Equal("/etc/dir", machine.Text(Scratch + 8192));
        Assert.Equal("secret = 1\n"u8.ToArray(), ReadAll(machine, "../config"));
        Assert.Equal(0, Call(machine, Sys.fchdir, (ulong)directory));
        Assert.Equal("secret = 1\n"u8.ToArray(), ReadAll(machine, "config"));
        Assert.Equal("../srv/large".Length, Call(machine, Sys.readlinkat, (ulong)directory, Text(machine, "link"), Scratch + 8192, 100));
        Assert.Equal(-Errno.EISDIR, Call(machine, Sys.read, (ulong)directory, Scratch + 8192, 10));
        Assert.Equal(-Errno.ENODEV, Call(machine, Sys.mmap, 0, 4096, 1, 2, (ulong)directory, 0));
        Assert.Equal(0, Call(machine, Sys.lseek, (ulong)directory, 0, 0));
    }

    private static byte[] StatusAt(LoaderMachine machine, long directory, string name)
    {
        Assert.Equal(0, Call(machine, Sys.newfstatat, (ulong)directory, Text(machine, name), Scratch + 8192, 0));
        return machine.Read(Scratch + 8192, 128);
    }

    [Fact]
    public void A_path_only_descriptor_names_the_file_and_reads_nothing()
    {
        LoaderMachine machine = Started();
        ulong descriptor = (ulong)Open(machine, "/etc/config", OpenFlags.PathOnly);
        Assert.Equal(-Errno.EBADF, Call(machine, Sys.read, descriptor, Scratch + 8192, 10));
        Assert.Equal(0, Call(machine, Sys.fstat, descriptor, Scratch + 8192));
        Assert.Equal(11, BitConverter.ToInt64(machine.Read(Scratch + 8192, 128), 48));
        Assert.Equal("secret = 1\n"u8.ToArray(), ReadAll(machine, $"/proc/self/fd/{descriptor}"));
    }

    [Fact]
    public void The_manifest_names_the_directory_in_which_the_program_starts()
    {
        LoaderMachine machine = Started(new InMemoryImage("folder").AddFile(Program, TestElf.Make(0x40_0000, 1)).AddFile("/srv/file", "x"u8.ToArray())
            .Configure(c => c with { WorkingDirectory = "/srv" }).Start(Program).Protect());
        Assert.Equal("x"u8.ToArray(), ReadAll(machine, "file"));
        Assert.Contains(machine.Seen, call => call.Number == Sys.chdir);
    }

    [Fact]
    public void Only_code_can_be_mapped_to_be_executed()
    {
        LoaderMachine machine = Started();
        ulong code = (ulong)Open(machine, Program);
        ulong data = (ulong)Open(machine, "/srv/large");
        Assert.True(Call(machine, Sys.mmap, 0, 4096, 5, 2, code, 0) > 0);
        Assert.Equal(-Errno.EACCES, Call(machine, Sys.mmap, 0, 4096, 5, 2, data, 0) is -Errno.EPERM or -Errno.EACCES ? -Errno.EACCES : 0);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    public void Limits_of_the_manifest_end_before_the_OS_is_asked(int memory, int processes)
    {
        LoaderMachine machine = Started(new InMemoryImage("limits").AddFile(Program, TestElf.Make(0x40_0000, 1))
            .Configure(c => c with { Protection = c.Protection with { MemoryMebibytes = memory, Processes = processes } }).Start(Program).Protect());
        machine.Services.Clear();
        Assert.False(Frames.Reserve(ref machine.Thread, 1 << 20));
        Assert.Equal(memory == 0, machine.Services.Contains(Service.Grant));
        machine.Services.Clear();
        Assert.Equal(-Errno.EAGAIN, Call(machine, Sys.clone, 17, 0, 0, 0, 0));
        Assert.Equal(processes == 0, machine.Services.Contains(Service.ReserveTask));
    }

    [Fact]
    public void An_image_for_debugging_names_what_it_does_not_have()
    {
        LoaderMachine machine = Started(new InMemoryImage("debug").AddFile(Program, TestElf.Make(0x40_0000, 1))
            .Configure(c => c with { Protection = c.Protection with { Debug = true } }).Start(Program).Protect());
        Assert.Equal(-Errno.ENOENT, Open(machine, "/etc/nothing"));
        Assert.Equal(-Errno.EROFS, Open(machine, "/etc/new", Create | 1));
        Assert.Contains(machine.Lines, line => line.Contains("/etc/nothing", StringComparison.Ordinal));
        Assert.Contains(machine.Lines, line => line.Contains("/etc/new", StringComparison.Ordinal));
    }

    /// <summary>Even what a publisher signs cannot make the shield fail otherwise than by refusing.</summary>
    [Fact]
    public void A_table_with_any_change_is_refused_or_safe_to_use_although_it_is_signed()
    {
        Random random = new(20_260_102);
        byte[] files = Image.Root["/.blackbox/files"]!.Content!.ReadAllBytes();
        using PublisherKey publisher = InMemoryImage.TestPublisher();
        for (int round = 0; round < 250; round++)
        {
            byte[] table = files[..(int)Image.Manifest.TableLength];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                // The header seldom, else few get further.
                table[random.Next(random.Next(8) == 0 ? 0 : 128, table.Length)] = (byte)random.Next(256);
            }

            byte[] digests = BlackBox.Images.FileTable.PageDigests(table);
            LoaderMachine machine = new(Image);
            machine.Files["/.blackbox/files"] = [.. table, .. digests];
            machine.Files["/.blackbox/manifest"] = SignedManifest.Sign(Image.Manifest with { TableDigest = SHA384.HashData(digests) }, publisher);
            try
            {
                if (machine.Start(Program, [Program]) != 0)
                {
                    continue;
                }
            }
            catch (ShieldStoppedException refusal)
            {
                Assert.True(refusal.Reason is PanicReason.Verification or PanicReason.Start);
                continue;
            }

            Assert.True(AddressSpaces.TryMapAnonymous(ref machine.Thread, Scratch, 1 << 20, 3));
            foreach (RootPath path in Image.Paths)
            {
                _ = StatusError(machine, path.Text);
                long descriptor = Open(machine, path.Text);
                if (descriptor >= 0)
                {
                    _ = Call(machine, Sys.getdents64, (ulong)descriptor, Scratch + 8192, 4096);
                    _ = Call(machine, Sys.read, (ulong)descriptor, Scratch + 8192, 4096);
                }

                _ = Call(machine, Sys.readlinkat, PathWork.CurrentDirectory, Text(machine, path.Text), Scratch + 8192, 4096);
            }
        }
    }

    /// <summary>
    /// Changes of everything that the OS serves: each file's bytes come out as they went in, or not at all, and every change that matters to
    /// what was read is named on the console.
    /// </summary>
    [Fact]
    public void No_change_of_the_image_gives_a_wrong_byte()
    {
        Dictionary<string, byte[]> clear = new()
        {
            ["/etc/config"] = "secret = 1\n"u8.ToArray(),
            ["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\n"u8.ToArray(),
            ["/etc/empty"] = [],
            ["/srv/large"] = Large,
        };
        string[] own = ["/.blackbox/manifest", "/.blackbox/files", "/.blackbox/tags", "/.blackbox/key"];
        BlackBox.Images.ProtectedImage older = new InMemoryImage("files").AddFile(Program, TestElf.Make(0x40_0000, 1)).AddFile("/etc/config", "secret = 0\n"u8.ToArray(), 0x180)
            .AddFile("/etc/passwd", "evil:x:0:0::/root:/bin/sh\n"u8.ToArray(), 0x1A4).AddFile("/etc/empty", default, 0x1A4)
            .AddFile("/srv/large", Large.Reverse().ToArray(), 0x124).Start(Program).Protect(new ProtectionOptions { ContentKey = new byte[32] });
        Random random = new(20_260_103);
        string[] targets = [.. clear.Keys, .. own];
        int unnoticed = 0;
        for (int round = 0; round < 300; round++)
        {
            LoaderMachine machine = new(Image);
            string target = targets[round % targets.Length];
            byte[] bytes = machine.Files[target];
            machine.Files[target] = Mutate(bytes, random, round / targets.Length, older.Root[target]!.Content!.ReadAllBytes(), machine.Files["/srv/large"]);
            try
            {
                if (machine.Start(Program, [Program]) != 0)
                {
                    Assert.NotEmpty(machine.Lines);
                    continue;
                }
            }
            catch (ShieldStoppedException)
            {
                continue;
            }

            Assert.True(AddressSpaces.TryMapAnonymous(ref machine.Thread, Scratch, 1 << 20, 3));
            bool refused = false;
            foreach ((string path, byte[] content) in clear)
            {
                byte[]? read = ReadAll(machine, path);
                Assert.True(read is null || read.SequenceEqual(content), $"{path} has other bytes after a change of {target}");
                refused |= read is null;
            }

            Assert.Equal(refused, machine.Lines.Count > 0);
            unnoticed += refused || bytes.SequenceEqual(machine.Files[target]) ? 0 : 1;
        }

        // The tags of a file that is not read, the key's nonce of another platform: nothing else may stay unseen.
        Assert.InRange(unnoticed, 0, 10);
    }

    private static byte[] Mutate(byte[] bytes, Random random, int kind, byte[] older, byte[] other)
    {
        byte[] changed = [.. bytes];
        switch (kind % 6)
        {
            case 0 when changed.Length > 8192:
                changed.AsSpan(0, 4096).CopyTo(changed.AsSpan(4096));
                return changed;
            case 1 when changed.Length > 0:
                return changed[..random.Next(changed.Length)];
            case 2:
                return [.. changed, (byte)random.Next(256)];
            case 3:
                return older;
            case 4:
                return other[..Math.Min(other.Length, Math.Max(1, changed.Length))];
            default:
                if (changed.Length == 0)
                {
                    return [0];
                }

                changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
                return changed;
        }
    }

    /// <summary>What a start asks for depends on what is used, not on how many files the image has.</summary>
    [Fact]
    public void The_start_does_not_grow_with_the_image()
    {
        long Served(int files)
        {
            InMemoryImage image = new InMemoryImage("many").AddFile(Program, TestElf.Make(0x40_0000, 1)).Start(Program);
            byte[] content = "x"u8.ToArray();
            for (int i = 0; i < files; i++)
            {
                image.AddFile($"/usr/share/f{i % 100}/{i}", content, 0x1A4);
            }

            LoaderMachine machine = Started(image.Protect());
            Assert.Equal(content, ReadAll(machine, $"/usr/share/f7/{files - 93}"));
            Assert.True(FileTable.PagesFetched < 30);
            return machine.BytesServed;
        }

        long small = Served(1000);
        long large = Served(65_000);
        long tableBytes = 65_000L * 128;
        output.WriteLine($"read from the OS until a file was opened: {small >> 10} KiB with 1,000 files, {large >> 10} KiB with 65,000, whose records alone have {tableBytes >> 10} KiB");

        // The digests of the pages, 1/128 of the table, and some pages more on the way.
        Assert.InRange(large - small, 0, (tableBytes / 64) + (20 * 4096));
    }
}
