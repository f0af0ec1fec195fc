using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using BlackBox.Hosting;

namespace BlackBox.Emulation;

/// <summary>QEMU's control connection (QEMU Machine Protocol): stop and continue CPUs, read physical memory, reset.</summary>
public sealed class QmpClient : IDisposable
{
    private readonly NetworkStream _stream;
    private readonly StreamReader _reader;
    private readonly SemaphoreSlim _one = new(1);
    private bool _negotiated;

    internal QmpClient(Socket socket)
    {
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = new StreamReader(_stream);
    }

    /// <summary>Runs a command and returns its "return" value.</summary>
    /// <exception cref="BlackBoxException">QEMU refused it, or is gone.</exception>
    public async Task<JsonNode?> ExecuteAsync(string command, JsonObject? arguments = null, CancellationToken cancellation = default)
    {
        await _one.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (!_negotiated)
            {
                await SendAsync("qmp_capabilities", null, cancellation).ConfigureAwait(false);
                _negotiated = true;
            }

            return await SendAsync(command, arguments, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Runs a line of QEMU's human monitor, for instance "info registers -a".</summary>
    public async Task<string> HumanAsync(string line, CancellationToken cancellation = default)
    {
        var result = await ExecuteAsync("human-monitor-command", new JsonObject { ["command-line"] = line }, cancellation).ConfigureAwait(false);
        return result?.GetValue<string>() ?? "";
    }

    public void Dispose()
    {
        _reader.Dispose();
        _stream.Dispose();
        _one.Dispose();
    }

    private async Task<JsonNode?> SendAsync(string command, JsonObject? arguments, CancellationToken cancellation)
    {
        var request = new JsonObject { ["execute"] = command };
        if (arguments is not null)
        {
            request["arguments"] = arguments;
        }

        await _stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(request), cancellation).ConfigureAwait(false);
        while (await _reader.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
        {
            // Greeting and events come in between.
            if (JsonNode.Parse(line) is not JsonObject answer)
            {
                continue;
            }

            if (answer["error"] is { } error)
            {
                throw new BlackBoxException($"QEMU refused {command}: {error["desc"]}");
            }

            if (answer.ContainsKey("return"))
            {
                return answer["return"]?.DeepClone();
            }
        }

        throw new BlackBoxException("QEMU closed its control connection");
    }
}
