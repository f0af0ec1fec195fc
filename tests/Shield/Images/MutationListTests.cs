using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using BlackBox.Images;
using BlackBox.Images.Mutations;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>
/// The list of mutations that the tools' verifier is held against (tests/Images), here against the shield's own code: it starts nothing, or
/// every file gives the bytes that the publisher put in, or none and a line on the console.
/// </summary>
public class MutationListTests(ITestOutputHelper output)
{
    private const int Least = 200;
    private const string Program = "/usr/bin/program";
    private const ulong Scratch = 0x5000_0000;
    private const int Piece = 40_000;

    private static readonly ProtectionOptions Same = new() { ContentKey = new byte[32] };
    private static readonly byte[] Large = [.. Enumerable.Range(0, 20_000).Select(i => (byte)((i * 31) + (i >> 8)))];

    private static readonly Dictionary<string, byte[]> Clear = new()
    {
        [Program] = TestElf.Make(0x40_0000, 1),
        ["/usr/lib/library.so"] = TestElf.Make(0, 2),
        ["/usr/bin/script"] = "#!/usr/bin/program\necho\n"u8.ToArray(),
        ["/etc/config"] = "secret = 1\n"u8.ToArray(),
        ["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\n"u8.ToArray(),
        ["/etc/empty"] = [],
        ["/srv/large"] = Large,
    };

    private static InMemoryImage Make(Dictionary<string, byte[]> files)
    {
        InMemoryImage image = new InMemoryImage("mutations").AddLink("/etc/link", "../srv/large").Start(Program);
        foreach ((string path, byte[] content) in files)
        {
            image.AddFile(path, content, path.StartsWith("/usr/bin/", StringComparison.Ordinal) ? 0x1ED : 0x1A4);
        }

        return image;
    }

    private static BlackBox.Images.ProtectedImage Image { get; } = Make(Clear).Protect(Same with { Counter = 2 });

    [Fact]
    public void Each_mutation_is_refused_or_gives_no_wrong_byte()
    {
        (bool isStarted, Dictionary<string, byte[]?> read, int lines) = Use(new Dictionary<string, byte[]>());
        Assert.True(isStarted);
        Assert.Equal(0, lines);
        Assert.All(Clear, file => Assert.Equal(file.Value, read[file.Key]));

        using PublisherKey other = PublisherKey.Create();
        Dictionary<string, byte[]> earlier = new(Clear) { [Program] = TestElf.Make(0x40_0000, 9), ["/etc/config"] = "secret = 0\n"u8.ToArray(), ["/srv/large"] = [.. Large.Reverse()] };
        BlackBox.Images.ProtectedImage older = Make(earlier).Protect(Same);
        IReadOnlyList<ImageMutation> mutations = new ImageMutations(Image, older, Make(Clear).Protect(publisher: other)).All();
        int refused = 0;
        int partly = 0;
        List<string> unnoticed = [];
        foreach (ImageMutation mutation in mutations)
        {
            (isStarted, read, lines) = Use(mutation.Files);
            if (!isStarted)
            {
                refused++;
                continue;
            }

            foreach ((string path, byte[] content) in Clear)
            {
                Assert.True(read[path] is null || read[path].AsSpan().SequenceEqual(content), $"{mutation.Family}, {mutation.Name}: {path} has other bytes");
            }

            if (read.Values.All(bytes => bytes is not null))
            {
                unnoticed.Add($"{mutation.Family}: {mutation.Name}");
            }
            else
            {
                Assert.True(lines > 0, $"{mutation.Family}, {mutation.Name}: no line on the console");
                partly++;
            }
        }

        foreach (string line in unnoticed)
        {
            output.WriteLine("without effect: " + line);
        }

        output.WriteLine($"{mutations.Count} mutations: {refused} refused at the start, {partly} when the file was used, {unnoticed.Count} without effect, no wrong byte");
        Assert.True(mutations.Count >= Least, $"only {mutations.Count} mutations");
        Assert.Equal(mutations.Count, refused + partly + unnoticed.Count);
        Assert.All(unnoticed, line => Assert.True(MayHaveNoEffect(line), line));
        Assert.InRange(unnoticed.Count, 1, 11);
    }

    /// <summary>
    /// What the shield does not look at because it takes nothing from it: the platform that a wrapped key says it is for (the right one is the
    /// one that opens), whatever follows the first key that opened, and the magic, which stands there for Linux (the file's own four bytes are
    /// in the table).
    /// </summary>
    private static bool MayHaveNoEffect(string mutation) =>
        mutation.StartsWith("message: /.blackbox/key/3/0/1/1, ", StringComparison.Ordinal)
        || (mutation.StartsWith("continued: /.blackbox/key by ", StringComparison.Ordinal) && mutation.EndsWith(" zeros", StringComparison.Ordinal))
        || (mutation.StartsWith("block: /usr/", StringComparison.Ordinal) && mutation.EndsWith(", byte 0, bit 0", StringComparison.Ordinal));

    /// <summary>Starts the image with changed files and reads all that a program could.</summary>
    private static (bool IsStarted, Dictionary<string, byte[]?> Read, int Lines) Use(IReadOnlyDictionary<string, byte[]> changes)
    {
        LoaderMachine machine = new(Image);
        foreach ((string path, byte[] content) in changes)
        {
            machine.Files[path] = content;
        }

        Dictionary<string, byte[]?> read = [];
        try
        {
            if (machine.Start(Program, [Program]) != 0)
            {
                Assert.NotEmpty(machine.Lines);
                return (false, read, machine.Lines.Count);
            }
        }
        catch (ShieldStoppedException refusal)
        {
            Assert.True(refusal.Reason is PanicReason.Verification or PanicReason.Start);
            return (false, read, machine.Lines.Count);
        }

        Assert.True(AddressSpaces.TryMapAnonymous(ref machine.Thread, Scratch, 1 << 20, 3));
        foreach (string path in Clear.Keys)
        {
            read[path] = ReadAll(machine, path);
        }

        return (true, read, machine.Lines.Count);
    }

    private static byte[]? ReadAll(LoaderMachine machine, string path)
    {
        Assert.True(UserMemory.TryWrite(ref machine.Thread, Scratch, Encoding.UTF8.GetBytes(path + "\0")));
        long descriptor = Call(machine, Sys.openat, PathWork.CurrentDirectory, Scratch, 0, 0);
        if (descriptor < 0)
        {
            return null;
        }

        List<byte> all = [];
        while (true)
        {
            long count = Call(machine, Sys.read, (ulong)descriptor, Scratch + 8192, Piece);
            if (count <= 0)
            {
                return count == 0 ? [.. all] : null;
            }

            all.AddRange(machine.Read(Scratch + 8192, (int)count));
        }
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
}
