using System.Text;

namespace BlackBox.Emulation;

/// <summary>Splits the guest's console into lines, keeps the last of them, and notices when a kernel, the monitor or the firmware has given up.</summary>
internal sealed class ConsoleWatcher : IDisposable
{
    private const int LinesKept = 60;
    private const int LongestLine = 8192;

    private static readonly string[] PanicMarks = ["BLACKBOX PANIC", "Kernel panic - not syncing", "blackbox: BOOT REFUSED", "BdsDxe: failed to load"];

    private readonly Queue<string> _last = new();
    private readonly List<byte> _line = [];
    private readonly Action<string>? _onLine;
    private readonly Action<string> _onPanic;
    private readonly FileStream? _log;
    private readonly Lock _gate = new();

    public ConsoleWatcher(string? logFile, Action<string>? onLine, Action<string> onPanic)
    {
        _onLine = onLine;
        _onPanic = onPanic;
        if (logFile is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(logFile))!);
            _log = new FileStream(logFile, FileMode.Create, FileAccess.Write, FileShare.Read);
        }
    }

    /// <summary>The last lines, oldest first.</summary>
    public IReadOnlyList<string> LastLines
    {
        get
        {
            lock (_gate)
            {
                return _line.Count > 0 ? [.. _last, Encoding.UTF8.GetString([.. _line])] : [.. _last];
            }
        }
    }

    public void Feed(ReadOnlySpan<byte> bytes)
    {
        _log?.Write(bytes);
        _log?.Flush();
        foreach (var value in bytes)
        {
            if (value == '\n' || _line.Count >= LongestLine)
            {
                EndLine();
            }
            else if (value != '\r')
            {
                lock (_gate)
                {
                    _line.Add(value);
                }
            }
        }
    }

    /// <summary>Reads until the guest closes its end.</summary>
    public async Task PumpAsync(Stream source)
    {
        var buffer = new byte[16384];
        try
        {
            while (await source.ReadAsync(buffer).ConfigureAwait(false) is > 0 and var count)
            {
                Feed(buffer.AsSpan(0, count));
            }
        }
        catch (IOException)
        {
            // The machine was killed.
        }

        if (_line.Count > 0)
        {
            EndLine();
        }
    }

    public void Dispose() => _log?.Dispose();

    private void EndLine()
    {
        string text;
        lock (_gate)
        {
            text = Encoding.UTF8.GetString([.. _line]);
            _line.Clear();
            _last.Enqueue(text);
            if (_last.Count > LinesKept)
            {
                _last.Dequeue();
            }
        }

        _onLine?.Invoke(text);
        if (PanicMarks.Any(mark => text.Contains(mark, StringComparison.Ordinal)))
        {
            _onPanic(text);
        }
    }
}
