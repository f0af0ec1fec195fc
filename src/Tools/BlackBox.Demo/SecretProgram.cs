using System.Globalization;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Demo;

/// <summary>
/// A running src/Guest/secret in the guest, in a container or not. It has said "ready" when it holds its secret; it
/// reveals the secret when it is told to.
/// </summary>
internal sealed class SecretProgram
{
    public const string Path = "/usr/lib/blackbox/secret";

    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(3);

    private readonly EmulatedMachine _machine;
    private readonly string _name;

    private SecretProgram(EmulatedMachine machine, string name)
    {
        _machine = machine;
        _name = name;
    }

    private string Pipe => $"/run/secret-{_name}.pipe";

    private string Output => $"/run/secret-{_name}.output";

    /// <summary>The program in an image of its own: nothing else is in there.</summary>
    public static ImageContent Image(string program)
    {
        var root = new RootFilesystem();
        root.Add(RootEntry.File(RootPath.Parse("/usr/bin/secret"), ContentSource.FromFile(program), 0x1ED));
        foreach (var folder in (string[])["/proc", "/sys", "/dev", "/run", "/etc"])
        {
            root.Add(RootEntry.Directory(RootPath.Parse(folder)));
        }

        return new ImageContent(root, new ImageConfiguration
        {
            Name = "secret",
            Entrypoint = ["/usr/bin/secret"],
            Environment = ["PATH=/usr/bin"],
            Protection = new ProtectionRules(FreedomRule.Fixed, FreedomRule.Fixed),
        });
    }

    /// <summary>Starts it and waits until it holds its secret.</summary>
    /// <param name="command">What starts it in the guest; its standard input and output are led elsewhere.</param>
    /// <exception cref="BlackBoxException">It ended, or did not say that it was ready.</exception>
    public static async Task<SecretProgram> StartAsync(EmulatedMachine machine, string name, string command, CancellationToken cancellation)
    {
        var program = new SecretProgram(machine, name);

        // Opened for reading and writing, so that neither side waits for the other and no end of file comes.
        var script = $$"""
            mkfifo {{program.Pipe}}
            { {{command}}; echo "ended $?"; } <>{{program.Pipe}} >{{program.Output}} 2>&1 &
            while ! grep -q -e '^ready' -e '^ended' {{program.Output}}; do sleep 0.2; done
            grep -q '^ended' {{program.Output}} && { cat {{program.Output}}; exit 1; }
            exit 0
            """;
        var result = await machine.ExecuteAsync(script, StartTime, cancellation: cancellation).ConfigureAwait(false);
        return result.Succeeded ? program : throw new BlackBoxException($"the program ({name}) did not start: {result.Output.Trim().ReplaceLineEndings("; ")}");
    }

    /// <summary>Has it ask for evidence.</summary>
    /// <param name="reportData">64 bytes</param>
    /// <exception cref="BlackBoxException">It has none.</exception>
    public async Task<byte[]> AttestAsync(byte[] reportData, CancellationToken cancellation)
    {
        var result = await _machine.ExecuteAsync(
            $"printf a{Convert.ToHexStringLower(reportData)} > {Pipe}; while ! grep -q -e '^evidence' -e '^ended' {Output}; do sleep 0.2; done; cat {Output}", StartTime, cancellation: cancellation).ConfigureAwait(false);
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var line = lines.FirstOrDefault(line => line.StartsWith("evidence ", StringComparison.Ordinal));
        return line is not null && line["evidence ".Length..] is var hex && hex.Length % 2 == 0 && hex.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(hex)
            : throw new BlackBoxException($"the program ({_name}) gave no evidence: {string.Join("; ", lines)}");
    }

    /// <summary>Tells it to reveal its secret and waits for its end.</summary>
    /// <exception cref="BlackBoxException">It failed, or what it held had changed.</exception>
    public async Task<byte[]> RevealAsync(CancellationToken cancellation)
    {
        var result = await _machine.ExecuteAsync(
            $"printf x > {Pipe}; while ! grep -q '^ended' {Output}; do sleep 0.2; done; cat {Output}", StartTime, cancellation: cancellation).ConfigureAwait(false);
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var line = lines.FirstOrDefault(line => line.StartsWith("secret ", StringComparison.Ordinal));
        if (line is null || !lines.Contains("ended 0"))
        {
            throw new BlackBoxException($"the program ({_name}) did not reveal its secret: {string.Join("; ", lines)}");
        }

        var hex = line["secret ".Length..];
        return hex.Length >= 64 && hex.Length % 2 == 0 && hex.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(hex)
            : throw new BlackBoxException(string.Create(CultureInfo.InvariantCulture, $"the program ({_name}) revealed something else than a secret"));
    }
}
