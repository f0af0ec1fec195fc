using System.Text;
using BlackBox.Hosting;

namespace BlackBox.Emulation;

/// <summary>What a machine was doing when something in it did not happen in time: for whoever looks into it afterwards.</summary>
public static class MachineReport
{
    private const string Questions = """
        uptime; echo; cat /proc/interrupts; echo; cat /proc/softirqs; echo; cat /proc/net/tcp; echo; top -b -n 2 -d 1 | tail -n 40; echo
        for thread in /proc/[0-9]*/task/[0-9]*; do
            grep -q . "$thread/cmdline" 2>/dev/null && echo "${thread#/proc/} $(cat "$thread/stat" "$thread/wchan" "$thread/syscall" 2>/dev/null | tr '\n' ' ')"
        done; echo
        blackbox-runtime statistics; blackbox-runtime audit; dmesg | tail -n 40
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Writes the registers of all CPUs (several times, as they run), what the guest says of itself, and the last lines of its console to a file.</summary>
    /// <returns>the file's path: artifacts/reports/NAME.txt</returns>
    public static async Task<string> WriteAsync(EmulatedMachine machine, string name)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var text = new StringBuilder();
        for (var i = 0; i < 8; i++)
        {
            text.AppendLine(await TryAsync(() => machine.Control.HumanAsync("info registers -a")).ConfigureAwait(false));
            await Task.Delay(200).ConfigureAwait(false);
        }

        text.AppendLine(await TryAsync(() => machine.Control.HumanAsync("info usernet")).ConfigureAwait(false));
        text.AppendLine(await TryAsync(() => machine.Control.HumanAsync("info pic")).ConfigureAwait(false));
        text.AppendLine(string.Join('\n', machine.ConsoleLines));
        text.AppendLine(await TryAsync(async () => (await machine.ExecuteAsync(Questions, Patience).ConfigureAwait(false)).Output).ConfigureAwait(false));
        var folder = Path.Combine(BlackBoxPaths.Repository, "artifacts", "reports");
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, name + ".txt");
        await File.WriteAllTextAsync(path, text.ToString()).ConfigureAwait(false);
        return path;
    }

    private static async Task<string> TryAsync(Func<Task<string>> ask)
    {
        try
        {
            return await ask().WaitAsync(Patience + Patience).ConfigureAwait(false);
        }
        catch (Exception error) when (error is BlackBoxException or IOException or InvalidOperationException or TimeoutException)
        {
            return $"no answer: {error.Message}";
        }
    }
}
