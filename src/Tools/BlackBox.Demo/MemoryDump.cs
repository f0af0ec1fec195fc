using BlackBox.Hosting;

namespace BlackBox.Demo;

/// <summary>
/// The disk that src/Guest/dumper/dump.c leaves: pages of 4096 bytes at their offset from the start of RAM, and behind them one
/// byte for each page that says what became of it.
/// </summary>
public sealed class MemoryDump
{
    public const int PageLength = 4096;

    private const byte Written = 1;
    private const byte Zero = 2;
    private const byte Refused = 3;

    private readonly string _path;
    private readonly byte[] _states;

    private MemoryDump(string path, byte[] states)
    {
        _path = path;
        _states = states;
    }

    public long TotalPages => _states.Length;

    /// <summary>Pages that the attacker has read.</summary>
    public long DumpedPages => _states.LongCount(state => state is Written or Zero);

    public long RefusedPages => _states.LongCount(state => state == Refused);

    /// <summary>Bytes of the disk for RAM of this size.</summary>
    public static long DiskLength(long ram) => ram + Round(ram / PageLength);

    /// <exception cref="BlackBoxException">The dump is not complete.</exception>
    public static MemoryDump Open(string path, long ram)
    {
        var states = new byte[ram / PageLength];
        using var file = File.OpenRead(path);
        file.Position = ram;
        file.ReadExactly(states);
        return states.All(state => state is Written or Zero or Refused)
            ? new MemoryDump(path, states)
            : throw new BlackBoxException("the dump is not complete: a page is neither dumped nor refused");
    }

    /// <summary>Looks for secrets in all pages that were dumped.</summary>
    /// <returns>Places found, one number for each secret.</returns>
    public IReadOnlyList<int> Search(IReadOnlyList<byte[]> secrets, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(secrets);
        var searches = secrets.Select(secret => new PieceSearch(secret)).ToList();
        const int Run = 256;
        var buffer = new byte[Run * PageLength];
        using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        for (long page = 0; page < TotalPages;)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = 0;
            while (count < Run && page + count < TotalPages && _states[page + count] == Written)
            {
                count++;
            }

            if (count == 0)
            {
                searches.ForEach(search => search.Break());
                page++;
                continue;
            }

            file.Position = page * PageLength;
            file.ReadExactly(buffer, 0, count * PageLength);
            searches.ForEach(search => search.Feed(buffer.AsSpan(0, count * PageLength)));
            page += count;
        }

        return [.. searches.Select(search => search.Hits)];
    }

    private static long Round(long length) => (length + PageLength - 1) / PageLength * PageLength;
}
