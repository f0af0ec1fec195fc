using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace BlackBox.Hosting;

/// <summary>What a finished program left.</summary>
public sealed record ProcessResult(int ExitCode, string Output, string Error)
{
    /// <summary>The last lines of what it said, for error messages.</summary>
    public string Tail(int lines = 5) => string.Join('\n', (Error.Trim().Length > 0 ? Error : Output)
        .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(lines));
}

/// <summary>Runs programs of the host. Cancelling kills the program and what it started.</summary>
public static class ExternalProcess
{
    /// <summary>Runs to the end and returns whatever exit code it has.</summary>
    /// <exception cref="BlackBoxException">The program is not installed.</exception>
    public static async Task<ProcessResult> RunAsync(
        string program,
        IEnumerable<string> arguments,
        CancellationToken cancellation,
        string? folder = null,
        IReadOnlyDictionary<string, string>? environment = null,
        Action<string>? onLine = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        start.Environment["LC_ALL"] = "C.UTF-8";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        using var process = Start(start);
        process.StandardInput.Close();
        using var registration = cancellation.Register(() => KillTree(process));
        var output = ReadAsync(process.StandardOutput, onLine);
        var error = ReadAsync(process.StandardError, onLine);
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        var result = new ProcessResult(process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
        cancellation.ThrowIfCancellationRequested();
        return result;
    }

    /// <summary>As <see cref="RunAsync"/>, and an exit code other than 0 is an error.</summary>
    public static async Task<string> RunCheckedAsync(
        string program,
        IEnumerable<string> arguments,
        CancellationToken cancellation,
        string? folder = null,
        IReadOnlyDictionary<string, string>? environment = null,
        Action<string>? onLine = null)
    {
        var list = arguments.ToList();
        var result = await RunAsync(program, list, cancellation, folder, environment, onLine).ConfigureAwait(false);
        return result.ExitCode == 0
            ? result.Output
            : throw new BlackBoxException($"'{Path.GetFileName(program)} {string.Join(' ', list.Take(6))}' failed (exit code {result.ExitCode}): {result.Tail()}");
    }

    /// <summary>Where a program is in PATH (or in sbin, which an ordinary user's PATH leaves out), or null.</summary>
    public static string? Find(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/local/sbin:/usr/sbin:/sbin"
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);

    internal static Process Start(ProcessStartInfo start)
    {
        if (!start.FileName.Contains('/') && Find(start.FileName) is { } path)
        {
            start.FileName = path;
        }

        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw new BlackBoxException(
                $"{Path.GetFileName(start.FileName)} cannot be started: {error.Message}", "run ./blackbox doctor to see what is missing", error);
        }
    }

    internal static void KillTree(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, Action<string>? onLine)
    {
        var text = new StringBuilder();
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            text.Append(line).Append('\n');
            onLine?.Invoke(line);
        }

        return text.ToString();
    }
}
