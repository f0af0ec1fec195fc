namespace BlackBox.Attacks;

/// <summary>What RAM holds when the machine goes down: the next kernel would find it.</summary>
/// <param name="function">the SMC that ends the machine</param>
internal abstract class RemainsAttack(string name, string tries, ulong function) : Attack(
    name, AttackFamily.Power, tries, "the unprotected program's secret is found in RAM afterwards", AttackOutcome.Harmless)
{
    public override string Mutant => "reset-scrub";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        // A machine of its own, which is kept as it is when it goes down.
        await using var machine = await session.StartOther(session.Build, options => options with { QemuArguments = ["-no-shutdown"] });
        var guard = await machine.ProtectedAsync();
        var plain = await machine.PlainAsync();
        var started = (await guard.AskAsync('S'), await plain.AskAsync('S'));
        await machine.TryShellAsync($"(sleep 1; /attacks/hostile smc 0x{function:x}) >/dev/null 2>&1 &");
        var state = "running";
        for (var round = 0; round < 60 && state == "running"; round++)
        {
            await Task.Delay(250);
            state = (await machine.Control.ExecuteAsync("query-status"))?["status"]?.GetValue<string>() ?? "";
        }

        var dump = await MemoryImage.TakeAsync(machine);
        var control = Pattern.Count(dump, plain.Salt, _ => true);
        var places = new List<string>();
        bool Note(int frame)
        {
            places.Add($"0x{AttackSession.RamStart + ((ulong)frame << 12):x}");
            return true;
        }

        var (memory, registers) = (Pattern.Count(dump, guard.Salt, Note), Pattern.Count(dump, guard.RegisterSalt, Note));
        return new Observation(started == ("spinning", "spinning") && state is "shutdown" or "paused" && control > 0, memory + registers > 0 ? AttackOutcome.Leaked : AttackOutcome.Harmless,
            $"machine: {state}; secret of the container: {memory} places, its registers: {registers} ({string.Join(' ', places.Take(3))}; the OS's memory begins at 0x{machine.OsStart:x}); of the unprotected program: {control}");
    }
}
