using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace BlackBox.Demo;

/// <summary>As much of redis's protocol (RESP2) as a few questions need.</summary>
internal sealed class RedisClient : IDisposable
{
    private const int LongestReply = 1 << 20;

    private readonly TcpClient _client;
    private readonly NetworkStream _stream;

    private RedisClient(TcpClient client)
    {
        _client = client;
        _stream = client.GetStream();
    }

    /// <exception cref="SocketException">Nobody listens.</exception>
    public static async Task<RedisClient> ConnectAsync(int port, CancellationToken cancellation)
    {
        var client = new TcpClient();
        try
        {
            await client.ConnectAsync(System.Net.IPAddress.Loopback, port, cancellation).ConfigureAwait(false);
            return new RedisClient(client);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Asks and waits for a reply that is a status, a number or a string.</summary>
    /// <returns>The reply's text; null for "there is none".</returns>
    /// <exception cref="IOException">The connection broke, or the reply is an error or no such reply.</exception>
    public async Task<string?> AskAsync(CancellationToken cancellation, params string[] words)
    {
        var request = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"*{words.Length}\r\n"));
        foreach (var word in words)
        {
            request.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        }

        await _stream.WriteAsync(Encoding.UTF8.GetBytes(request.ToString()), cancellation).ConfigureAwait(false);
        var line = await ReadLineAsync(cancellation).ConfigureAwait(false);
        switch (line)
        {
            case ['+' or ':', .. var text]:
                return text;
            case ['-', .. var text]:
                throw new IOException($"redis answered {text}");
            case ['$', .. var digits] when int.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var length) && length <= LongestReply:
                if (length < 0)
                {
                    return null;
                }

                var bytes = new byte[length + 2];
                await _stream.ReadExactlyAsync(bytes, cancellation).ConfigureAwait(false);
                return Encoding.UTF8.GetString(bytes, 0, length);
            default:
                throw new IOException("that is no reply of redis");
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<string> ReadLineAsync(CancellationToken cancellation)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (line.Count < 1024)
        {
            await _stream.ReadExactlyAsync(one, cancellation).ConfigureAwait(false);
            if (one[0] == '\n')
            {
                return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
            }

            line.Add(one[0]);
        }

        throw new IOException("that is no reply of redis");
    }
}
