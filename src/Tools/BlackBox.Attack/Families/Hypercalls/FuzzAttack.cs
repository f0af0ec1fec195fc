namespace BlackBox.Attacks;

/// <summary>Random hypercalls; afterwards everything must come back.</summary>
internal abstract class FuzzAttack(string name, string tries, int calls, bool withVictims) : Attack(
    name, AttackFamily.Hypercalls, tries, "some of the calls succeed", withVictims ? AttackOutcome.Refused | AttackOutcome.EnclaveStopped : AttackOutcome.Refused)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync(withVictims ? "fuzzed" : "guard");
        var handles = "";
        if (withVictims)
        {
            var lines = (await session.HostileAsync("enclaves")).Lines("enclave");
            var task = (await session.HostileAsync($"task {guard.Process}"))["handle"];
            handles = $" 0x{task:x} {string.Join(' ', lines.Where(line => line.Contains($"process {guard.Process} ", StringComparison.Ordinal)).Select(line => line.Split(' ')[0]))}";
        }

        var seed = session.Round;
        var answer = await session.HostileAsync($"fuzz {seed} {calls}{handles}");
        var scan = await session.ScanAllAsync(MappingMethod.Linear, guard.Salt);
        var isIntact = await guard.AskAsync('v', 20);
        if (withVictims)
        {
            await session.ForgetAsync(guard);
        }

        var outcome = scan["hits"] > 0 ? AttackOutcome.Leaked
            : isIntact.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange
            : answer["lost"] > 0 ? AttackOutcome.MemoryLost
            : answer["undefined"] > 0 ? AttackOutcome.Unexpected
            : isIntact == "intact" ? AttackOutcome.Refused : AttackOutcome.EnclaveStopped;
        return new Observation(answer["succeeded"] > 0 && answer["enclaves"] > 0 && answer["tasks"] > 0, outcome,
            $"seed {seed}: {answer.Text.ReplaceLineEndings(" ")}; victim: {isIntact}");
    }
}
