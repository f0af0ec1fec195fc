using System.Globalization;

namespace BlackBox.Attacks;

/// <summary>
/// A container whose shield has been taken over, against monitor, OS and a neighbour: it makes hypercalls and touches memory from EL1 as it
/// likes. See tests/Attacks/Mutants/HostileShield.cs. The monitor below is the product's.
/// </summary>
internal abstract class EvilAttack(string name, string tries, string control, AttackOutcome required) : Attack(name, AttackFamily.Container, tries, control, required)
{
    private static int _serial;

    public override string Build => "hostile-shield";

    /// <summary>Starts one hostile container that does one thing, and waits for its end.</summary>
    /// <returns>what it said on the monitor's console, and how it ended ("silent" after so many seconds)</returns>
    protected static async Task<(IReadOnlyList<string> Said, string Ended)> ActAsync(AttackSession session, char letter, ulong number, int patience = 20)
    {
        // The lines on the console are told apart by what comes before them.
        var mark = string.Create(CultureInfo.InvariantCulture, $"attack {Interlocked.Increment(ref _serial)}");
        await session.TryShellAsync($"echo '{mark}' > /dev/console");
        var path = string.Create(CultureInfo.InvariantCulture, $"/bin/evil-{letter}-{number:x}");
        await session.TryShellAsync($"cp /attacks/images/guard/bin/victim /attacks/images/guard{path}");
        var victim = await session.StartAsync("evil", "/attacks/images/guard", 1, "guard 1", $"PATIENCE={patience}; PROGRAM={path};");
        await victim.EndAsync();
        await session.TryShellAsync($"rm -f /attacks/images/guard{path}");
        await Task.Delay(100);
        var lines = session.ConsoleLines.ToList();
        var from = lines.FindLastIndex(line => line.Contains(mark, StringComparison.Ordinal));
        return ([.. lines.Skip(from + 1)], victim.Greeting);
    }

    /// <summary>The number that it said after a word.</summary>
    protected static long? Said(IReadOnlyList<string> lines, string word) => lines
        .Select(line => line.IndexOf($"evil: {word} ", StringComparison.Ordinal) is >= 0 and var at ? line[(at + word.Length + 7)..].Trim() : null)
        .OfType<string>().Select(text => long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : (long?)null).FirstOrDefault();

    /// <summary>Does it reach its own memory? What it does to others' means nothing if not.</summary>
    protected static async Task<bool> ReachesOwnAsync(AttackSession session) => Said((await ActAsync(session, 'o', 0)).Said, "own") == 7;

    protected static AttackOutcome Worst(IEnumerable<AttackOutcome> outcomes) => outcomes.Aggregate(AttackOutcome.None, (sum, one) => sum | one);
}
