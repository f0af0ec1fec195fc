using System.Globalization;
using System.Net.Sockets;
using System.Text;
using BlackBox.Hosting;

namespace BlackBox.Emulation;

/// <summary>A machine that another process of this user has started, with <see cref="MachineOptions.AnswersQuestions"/>.</summary>
/// <param name="Process">the id of that process</param>
/// <param name="Path">where its socket is</param>
public sealed record RunningMachine(int Process, string Path)
{
    internal const string Socket = "questions";

    private const int LongestAnswer = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Those that run, oldest first.</summary>
    public static IReadOnlyList<RunningMachine> Find() =>
    [
        .. Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), RunFolder.Prefix + "*")
            .Select(folder => (Folder: folder, Owner: System.IO.Path.GetFileName(folder)[RunFolder.Prefix.Length..].Split('-')[0]))
            .Where(found => int.TryParse(found.Owner, NumberStyles.None, CultureInfo.InvariantCulture, out _)
                && Directory.Exists($"/proc/{found.Owner}") && File.Exists(System.IO.Path.Combine(found.Folder, Socket)))
            .OrderBy(found => Directory.GetCreationTimeUtc(found.Folder))
            .Select(found => new RunningMachine(int.Parse(found.Owner, CultureInfo.InvariantCulture), System.IO.Path.Combine(found.Folder, Socket))),
    ];

    /// <summary>The machine of a process, or the only one.</summary>
    /// <exception cref="BlackBoxException">There is none, or more than one.</exception>
    public static RunningMachine Choose(int? process)
    {
        var running = Find();
        var fitting = process is { } id ? [.. running.Where(machine => machine.Process == id)] : running;
        return fitting switch
        {
            [var one] => one,
            [] when process is not null => throw new BlackBoxException($"process {process} runs no machine", Advice(running)),
            [] => throw new BlackBoxException("no machine is running", Advice(running)),
            _ => throw new BlackBoxException("more than one machine is running", $"say which: --machine {string.Join(" or --machine ", fitting.Select(machine => machine.Process))}"),
        };
    }

    /// <summary>Asks the guest, which is not trusted: the answer is what it says.</summary>
    /// <param name="word">a word that src/Guest/questions knows</param>
    /// <exception cref="BlackBoxException">No answer, or one that says why there is none.</exception>
    public async Task<string> AskAsync(string word, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path), limit.Token).ConfigureAwait(false);
            using var stream = new NetworkStream(socket);
            var id = Guid.NewGuid().ToString("N");
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"{id} {word}\n"), limit.Token).ConfigureAwait(false);
            var answer = await ReadAnswerAsync(stream, id + " ", limit.Token).ConfigureAwait(false);
            return answer.StartsWith("! ", StringComparison.Ordinal) ? throw new BlackBoxException($"the guest says: {answer[2..].Trim()}") : answer.Trim();
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            throw new BlackBoxException($"the machine of process {Process} cannot be asked", "it may just have ended", error);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new BlackBoxException($"the machine of process {Process} does not answer", "it may still be starting, or its kernel hangs");
        }
    }

    // Lines before the one with the id are the rest of somebody else's question.
    private static async Task<string> ReadAnswerAsync(Stream stream, string start, CancellationToken cancellation)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, leaveOpen: true);
        var line = new StringBuilder();
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer, cancellation).ConfigureAwait(false) is > 0 and var count)
        {
            foreach (var character in buffer.AsSpan(0, count))
            {
                if (character != '\n')
                {
                    line.Append(character);
                }
                else if (line.ToString().StartsWith(start, StringComparison.Ordinal))
                {
                    return line.ToString(start.Length, line.Length - start.Length);
                }
                else
                {
                    line.Clear();
                }
            }

            if (line.Length > LongestAnswer)
            {
                throw new IOException("the answer has no end");
            }
        }

        throw new IOException("the connection ended");
    }

    private static string Advice(IReadOnlyList<RunningMachine> running) => running.Count == 0
        ? "./blackbox run starts one"
        : $"running: {string.Join(", ", running.Select(machine => machine.Process))}";
}
