namespace BlackBox.Attacks;

/// <summary>A signal that Linux never sent, with a frame of the attacker's making.</summary>
internal sealed class ForgedSignal() : Attack(
    "gate-forged-signal", AttackFamily.Gate, "lets the container's thread arrive as if for a signal: synchronous and real-time numbers, wild numbers, frames at wild addresses",
    "without the forgery it goes on; the unprotected program dies of the same registers", AttackOutcome.EnclaveStopped | AttackOutcome.Harmless | AttackOutcome.DefinedError)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var plain = await session.PlainAsync();
        await session.HostileAsync($"set-register {plain.Process} 32 0x100");
        await session.HostileAsync($"set-register {plain.Process} 31 0x1000");
        var isControl = (await plain.AskAsync('v', 10)).StartsWith("ended", StringComparison.Ordinal);
        await session.ForgetAsync(plain);
        var answers = new List<string>();
        (ulong Number, ulong Stack)[] forged = [(11, 0), (11, ulong.MaxValue), (7, 0xffff_8000_0000_0000), (64, 0x1000), (ulong.MaxValue, 8), (0, 0), (10, 0xffff_ffff_c000_0000)];
        foreach (var (number, stack) in forged)
        {
            var guard = await session.ProtectedAsync("signal");
            isControl &= await guard.IsIntactAsync();
            var gate = (await session.HostileAsync($"task {guard.Process}"))["gate"];
            await session.HostileAsync($"set-register {guard.Process} 32 0x{gate + 0x100:x}");
            await session.HostileAsync($"set-register {guard.Process} 31 0x{stack:x}");
            await session.HostileAsync($"lie {guard.Process} 63 0x{number:x} 1");
            answers.Add(await guard.AskAsync('v', 5));
            await session.HostileAsync("lie-stop");
            if (await session.ScanAllAsync(MappingMethod.Linear, guard.Salt) is var scan && scan["hits"] > 0)
            {
                return new Observation(isControl, AttackOutcome.Leaked, $"signal {number}");
            }

            await session.ForgetAsync(guard);
        }

        var outcome = answers.Exists(answer => answer.StartsWith("CHANGED", StringComparison.Ordinal)) ? AttackOutcome.SilentChange
            : answers.TrueForAll(answer => answer == "intact") ? AttackOutcome.Harmless : AttackOutcome.EnclaveStopped;
        return new Observation(isControl, outcome, string.Join(", ", answers));
    }
}
