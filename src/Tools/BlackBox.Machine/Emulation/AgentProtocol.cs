using System.Globalization;
using System.Text;

namespace BlackBox.Emulation;

/// <summary>What the agent's stream says.</summary>
internal interface IAgentListener
{
    void Ready();

    void Begin(int id);

    /// <summary>Bytes between Begin and End, as the command wrote them.</summary>
    void Output(ReadOnlySpan<byte> bytes);

    /// <summary>Bytes outside any command: on a shared line, the rest of the console.</summary>
    void Other(ReadOnlySpan<byte> bytes);

    void End(int id, int status);
}

/// <summary>
/// Takes the agent's stream apart (see src/Guest/agent). A marker is a line of its own that begins with the nonce of
/// this start; everything else is passed on unchanged.
/// </summary>
internal sealed class AgentProtocol
{
    private const int LongestMarker = 256;

    private readonly byte[] _mark;
    private readonly IAgentListener _listener;
    private readonly List<byte> _pending = [];
    private bool _inCommand;

    public AgentProtocol(string nonce, IAgentListener listener)
    {
        _mark = Encoding.ASCII.GetBytes($"\n{nonce} ");
        _listener = listener;
    }

    public void Feed(ReadOnlySpan<byte> bytes)
    {
        _pending.AddRange(bytes);
        var data = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_pending);
        var used = 0;
        while (true)
        {
            var rest = data[used..];
            var at = rest.IndexOf(_mark);
            if (at < 0)
            {
                // The last bytes may be the beginning of a marker.
                var safe = Math.Max(0, rest.Length - BeginningOfMark(rest));
                Pass(rest[..safe]);
                used += safe;
                break;
            }

            Pass(rest[..at]);
            used += at;
            rest = rest[(at + _mark.Length)..];
            var end = rest.IndexOf((byte)'\n');
            if (end < 0 && rest.Length < LongestMarker)
            {
                break;
            }

            if (end < 0 || !Marker(Encoding.ASCII.GetString(rest[..end]).TrimEnd('\r')))
            {
                // It only looks like one.
                Pass(data.Slice(used, _mark.Length));
                used += _mark.Length;
                continue;
            }

            used += _mark.Length + end + 1;
        }

        _pending.RemoveRange(0, used);
    }

    /// <summary>At the end of the stream: what was held back.</summary>
    public void Finish()
    {
        Pass(_pending.ToArray());
        _pending.Clear();
    }

    private bool Marker(string text)
    {
        var words = text.Split(' ');
        switch (words)
        {
            case ["READY"]:
                _listener.Ready();
                return true;
            case ["BEGIN", var id] when Number(id, out var number) && !_inCommand:
                _inCommand = true;
                _listener.Begin(number);
                return true;
            case ["END", var id, var status] when Number(id, out var number) && Number(status, out var code) && _inCommand:
                _inCommand = false;
                _listener.End(number, code);
                return true;
            default:
                return false;
        }

        static bool Number(string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private void Pass(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        if (_inCommand)
        {
            _listener.Output(bytes);
        }
        else
        {
            _listener.Other(bytes);
        }
    }

    private int BeginningOfMark(ReadOnlySpan<byte> rest)
    {
        for (var length = Math.Min(_mark.Length - 1, rest.Length); length > 0; length--)
        {
            if (rest.EndsWith(_mark.AsSpan(0, length)))
            {
                return length;
            }
        }

        return 0;
    }
}
