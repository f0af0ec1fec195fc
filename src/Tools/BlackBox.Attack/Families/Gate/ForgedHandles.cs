namespace BlackBox.Attacks;

/// <summary>Entering the gate with handles that are nobody's.</summary>
internal sealed class ForgedHandles() : Attack(
    "gate-forged-handles", AttackFamily.Gate, "enters the gate from an ordinary process with zero, random and nearly right handles",
    "with the right handle the same process does enter", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var handle = (await session.HostileAsync($"task {guard.Process}"))["handle"];
        ulong[] forged = [0, 1, ulong.MaxValue, 0x1234_5678_9abc, handle ^ 1, handle + 1, handle ^ 1UL << 16, handle ^ 1UL << 40, handle | 1UL << 48, handle | 1UL << 63, handle & 0xffff];
        var bad = new List<string>();
        foreach (var value in forged)
        {
            foreach (var offset in (int[])[0, 4, 0x100])
            {
                var answer = await session.HostileAsync($"gate 0x{value:x} {offset} 0 0 5");
                if (answer.Signals is not [7])
                {
                    bad.Add($"0x{value:x}+{offset}: {string.Join(' ', answer.Signals)}");
                }
            }
        }

        var isIntact = await guard.IsIntactAsync();

        // It stands in a read: the forged return makes it see the end of its input, on the attacker's thread.
        var control = await session.HostileAsync($"gate 0x{handle:x} 4 0 63 5");
        await session.ForgetAsync(guard);
        var hasEntered = control.CountEntered() == 1;
        return new Observation(hasEntered, bad.Count > 0 ? AttackOutcome.Unexpected : isIntact ? AttackOutcome.Faulted : AttackOutcome.SilentChange,
            bad.Count > 0 ? string.Join("; ", bad) : $"{forged.Length * 3} entries, all SIGBUS; right handle: {control.Text.ReplaceLineEndings(" ").Trim()[..Math.Min(60, control.Text.Length - 1)]}");
    }
}
