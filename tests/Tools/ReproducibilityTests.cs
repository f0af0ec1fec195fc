using System.Text;
using BlackBox.Building;
using Xunit;

namespace BlackBox.Tools.Tests;

/// <summary>How two builds are held against each other; the builds themselves are too long for here (<c>blackbox build --check</c>).</summary>
public sealed class ReproducibilityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0, 0, -1)]
    [InlineData(1, 0, 0)]
    [InlineData(65_536, 65_536, -1)]
    [InlineData(65_536, 65_537, 65_536)]
    [InlineData(131_072, 65_536, 65_536)]
    [InlineData(200_000, 200_000, -1)]
    public void Files_of_other_lengths_differ_where_the_shorter_ends(int one, int other, long expected) =>
        Assert.Equal(expected, FileComparison.FirstDifference(Write("one", new byte[one]), Write("other", new byte[other])) ?? -1);

    [Theory]
    [InlineData(0)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(199_999)]
    public void The_first_differing_byte_is_named(int offset)
    {
        var bytes = new byte[200_000];
        var one = Write("one", bytes);
        bytes[offset] = 1;
        bytes[^1] = 1;
        Assert.Equal(offset, FileComparison.FirstDifference(one, Write("other", bytes)));
    }

    [Fact]
    public void Builds_are_compared_part_by_part()
    {
        var first = new[] { Artefact.Read(Write("a/monitor.bin", [1, 2, 3])), Artefact.Read(Write("a/shield.bin", [4, 5])) };
        var second = new[] { Artefact.Read(Write("b/monitor.bin", [1, 2, 3])), Artefact.Read(Write("b/shield.bin", [4, 6])) };
        var results = ReproducibilityCheck.Compare(first, second);
        Assert.Equal([null, 1], results.Select(result => result.Difference));
        Assert.Equal(["monitor.bin", "shield.bin"], results.Select(result => result.First.Name));
        Assert.Equal(results[0].First.Digest, results[0].Second.Digest);
        Assert.NotEqual(results[1].First.Digest, results[1].Second.Digest);
        Assert.Equal("039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81", results[0].First.Digest);

        // A part that is missing on one side must not go unnoticed.
        Assert.Throws<InvalidOperationException>(() => ReproducibilityCheck.Compare(first, second[..1]));
        Assert.Throws<InvalidOperationException>(() => ReproducibilityCheck.Compare(first, [second[1], second[0]]));
    }

    [Fact]
    public void A_copy_of_the_sources_has_their_contents_and_nothing_else()
    {
        Write("tree/src/Part/a.cs", "a"u8.ToArray());
        Write("tree/src/Part/obj/left.cs", "left"u8.ToArray());
        Write("tree/src/Part/bin/left.dll", "left"u8.ToArray());
        Write("tree/src/Other/b.cs", "b"u8.ToArray());
        Write("tree/file", "f"u8.ToArray());
        string root;
        using (var copies = new SourceCopy(_folder.File("copies")))
        {
            var time = new DateTime(2009, 2, 13, 23, 31, 30, DateTimeKind.Utc);
            root = copies.Add(_folder.File("tree"), ["src/Part", "file", "missing"], "a copy", time, isReversed: true, TestContext.Current.CancellationToken);
            Assert.Equal(["file", "src/Part/a.cs"], Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(root, file)).Order(StringComparer.Ordinal));
            Assert.Equal("a", File.ReadAllText(Path.Combine(root, "src/Part/a.cs"), Encoding.UTF8));
            Assert.Equal(time, File.GetLastWriteTimeUtc(Path.Combine(root, "file")));
            Assert.StartsWith(_folder.File("copies"), root, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.File("copies")));
    }

    [Fact]
    public void What_a_killed_run_left_is_removed_and_a_running_one_is_let_alone()
    {
        Write("copies/check-999999999-dead/src/a.cs", [1]);
        Write($"copies/check-{Environment.ProcessId}-running/src/a.cs", [1]);
        Write("copies/check-notes", [1]);
        using var copies = new SourceCopy(_folder.File("copies"));
        var left = Directory.EnumerateDirectories(_folder.File("copies")).Select(Path.GetFileName).ToList();
        Assert.DoesNotContain("check-999999999-dead", left);
        Assert.Contains($"check-{Environment.ProcessId}-running", left);
        Assert.True(File.Exists(_folder.File("copies/check-notes")));
    }

    private string Write(string name, byte[] content)
    {
        var file = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, content);
        return file;
    }
}
