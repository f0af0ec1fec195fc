using System.Security.Cryptography;
using BlackBox.Demo;
using Xunit;

namespace BlackBox.Tools.Tests;

/// <summary>The demonstration's search: what it must find, however it lies in memory, and what it must not.</summary>
public sealed class PieceSearchTests
{
    private static readonly byte[] Secret = RandomNumberGenerator.GetBytes(64);

    [Fact]
    public void A_whole_secret_is_one_place()
    {
        Assert.Equal(1, Count(With(Secret, 100)));
        Assert.Equal(1, Count(With(Secret, 0)));
        Assert.Equal(1, Count(With(Secret, Length - Secret.Length)));
    }

    [Fact]
    public void Every_sixteen_bytes_of_it_are_found()
    {
        for (var piece = 0; piece + PieceSearch.PieceLength <= Secret.Length; piece++)
        {
            Assert.Equal(1, Count(With(Secret.AsSpan(piece, PieceSearch.PieceLength), 3 + piece)));
        }
    }

    [Fact]
    public void Fifteen_bytes_of_it_or_a_changed_byte_are_not()
    {
        Assert.Equal(0, Count(new byte[Length]));
        Assert.Equal(0, Count(With(Secret.AsSpan(5, 15), 50)));
        var changed = Secret.ToArray();
        for (var i = 15; i < changed.Length; i += 16)
        {
            changed[i] ^= 1;
        }

        Assert.Equal(0, Count(With(changed, 50)));
    }

    [Fact]
    public void Copies_side_by_side_and_repeated_pieces_count_each()
    {
        var memory = new byte[Length];
        Secret.CopyTo(memory, 10);
        Secret.CopyTo(memory, 74);
        Secret.AsSpan(0, 16).CopyTo(memory.AsSpan(300));
        Secret.AsSpan(32, 16).CopyTo(memory.AsSpan(316));
        Assert.Equal(4, Count(memory));
    }

    [Fact]
    public void Where_the_parts_are_cut_makes_no_difference()
    {
        var memory = With(Secret, 60);
        for (var size = 1; size < 140; size++)
        {
            var search = new PieceSearch(Secret);
            foreach (var part in memory.Chunk(size))
            {
                search.Feed(part);
            }

            Assert.Equal(1, search.Hits);
        }
    }

    [Fact]
    public void A_break_keeps_pages_apart_that_are_not_neighbours()
    {
        var search = new PieceSearch(Secret);
        search.Feed(Secret.AsSpan(0, 12));
        search.Break();
        search.Feed(Secret.AsSpan(12, 12));
        Assert.Equal(0, search.Hits);
        search.Break();
        search.Feed(Secret.AsSpan(0, 20));
        search.Break();
        search.Feed(Secret.AsSpan(4, 20));
        Assert.Equal(2, search.Hits);
    }

    [Fact]
    public void A_dump_is_read_as_the_guest_wrote_it()
    {
        const int Pages = 600;
        const long Ram = Pages * MemoryDump.PageLength;
        var path = Path.GetTempFileName();
        try
        {
            var disk = new byte[MemoryDump.DiskLength(Ram)];
            var states = disk.AsSpan((int)Ram, Pages);
            states.Fill(2);

            // Across the border of two dumped pages; and behind a refused page, where the disk must not be believed.
            Secret.CopyTo(disk, (MemoryDump.PageLength * 10) - 20);
            states[9] = states[10] = 1;
            Secret.CopyTo(disk, MemoryDump.PageLength * 400);
            states[400] = 3;
            File.WriteAllBytes(path, disk);
            var dump = MemoryDump.Open(path, Ram);
            Assert.Equal((Pages, Pages - 1, 1), (dump.TotalPages, dump.DumpedPages, dump.RefusedPages));
            Assert.Equal([1, 0], dump.Search([Secret, RandomNumberGenerator.GetBytes(64)], TestContext.Current.CancellationToken));

            states[5] = 0;
            File.WriteAllBytes(path, disk);
            Assert.Throws<Hosting.BlackBoxException>(() => MemoryDump.Open(path, Ram));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void The_demonstration_passes_only_if_every_part_does()
    {
        var memory = new MemoryAccount(1000, 900, 100, 60, 40, 1000);
        var good = new DemoResult(new SearchResult(3), new SearchResult(0), new SearchResult(2), memory, new ServiceResult(true, ""), true, "verified", true, false);
        Assert.True(good.Passed);
        foreach (var bad in (DemoResult[])
        [
            good with { Native = new SearchResult(0) }, good with { Native = new SearchResult(null, "did not start") },
            good with { Protected = new SearchResult(1) }, good with { Protected = new SearchResult(null, "did not start") },
            good with { Canary = new SearchResult(0) }, good with { Memory = null }, good with { Redis = new ServiceResult(false, "") },
            good with { Memory = memory with { Dumped = 899 } }, good with { Memory = memory with { Granted = 59 } },
            good with { SecureBoot = false }, good with { Evidence = "refused: another image" }, good with { DmaProtection = false },
            good with { Memory = memory with { Installed = 2000 } }, good with { Memory = memory with { Granted = 0, Monitor = 100 } },
        ])
        {
            Assert.False(bad.Passed);
        }
    }

    private const int Length = 512;

    private static byte[] With(ReadOnlySpan<byte> part, int at)
    {
        var memory = new byte[Length];
        part.CopyTo(memory.AsSpan(at));
        return memory;
    }

    private static int Count(byte[] memory)
    {
        var search = new PieceSearch(Secret);
        search.Feed(memory);
        return search.Hits;
    }
}
