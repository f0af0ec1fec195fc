namespace BlackBox.Attacks;

/// <summary>A running tests/Attacks/Victims/victim.c in the guest.</summary>
internal sealed class Victim(AttackSession session, string name, int salt, string greeting)
{
    /// <summary>Its folder below /run/victims.</summary>
    public string Name => name;

    /// <summary>Step of its pattern for <c>hostile scan</c>.</summary>
    public int Salt { get; } = salt;

    /// <summary>Step of the pattern in its registers.</summary>
    public int RegisterSalt => Salt + 100;

    /// <summary>Its first line: "ready ADDRESS".</summary>
    public string Greeting { get; } = greeting;

    /// <summary>Did it start?</summary>
    public bool IsReady => Greeting.StartsWith("ready ", StringComparison.Ordinal);

    /// <summary>Address of its heap secret, in its own address space.</summary>
    public ulong HeapAddress => HostileAnswer.Number(Greeting["ready ".Length..]);

    /// <summary>Linux's number for it.</summary>
    public int Process { get; private set; }

    public async Task ReadProcessAsync() =>
        Process = int.Parse((await session.ShellAsync($"cat /run/victims/{name}/pid")).Trim(), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Sends a command; its answer, "silent" after so many seconds, or "ended STATUS".</summary>
    public async Task<string> AskAsync(char command, int seconds = 60) =>
        Understand(await session.VictimAsync($"victim_ask {name} {command} {seconds}"));

    /// <summary>Is the secret still whole, as far as the victim can tell? False also when it is gone.</summary>
    public async Task<bool> IsIntactAsync() => await AskAsync('v') == "intact";

    /// <summary>Waits for a further line.</summary>
    public async Task<string> WaitAsync(int lines, int seconds = 60) => Understand(await session.VictimAsync($"victim_wait {name} {lines} {seconds}"));

    /// <summary>How many lines it has said up to the last one of that text.</summary>
    public async Task<int> LinesAsync(string text) => int.Parse(
        (await session.ShellAsync($"grep -n '^{text}$' /run/victims/{name}/out | tail -1 | cut -d: -f1")).Trim(), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>What it has said that was not an answer yet, and how it ended.</summary>
    public async Task<string> TailAsync() => (await session.TryShellAsync($"tail -3 /run/victims/{name}/out; cat /run/victims/{name}/status 2>/dev/null")).Trim();

    public async Task<bool> IsAliveAsync() => (await session.ShellAsync($"[ -e /run/victims/{name}/status ] && echo dead || echo alive")).Trim() == "alive";

    /// <summary>Kills it. False: its end did not come.</summary>
    public async Task<bool> EndAsync(int seconds = 20) => (await session.VictimAsync($"victim_end {name} {seconds}")).Trim() != "stays";

    // The shell's words for a deadly signal.
    private static string Understand(string answer)
    {
        answer = answer.Trim();
        return answer is "Bus error" or "Segmentation fault" or "Killed" or "Illegal instruction" or "Aborted" ? $"ended ({answer})" : answer;
    }
}
