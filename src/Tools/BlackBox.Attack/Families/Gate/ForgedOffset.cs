namespace BlackBox.Attacks;

/// <summary>Arriving at places of the gate page that mean nothing.</summary>
internal sealed class ForgedOffset() : Attack(
    "gate-forged-offset", AttackFamily.Gate, "lets the container's thread come back at other offsets of the gate page",
    "at the right offset it goes on", AttackOutcome.EnclaveStopped)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var isControl = true;
        var answers = new List<string>();
        foreach (var offset in (int[])[8, 0x80, 0x104, 0xffc])
        {
            var guard = await session.ProtectedAsync("offset");
            var gate = (await session.HostileAsync($"task {guard.Process}"))["gate"];
            await session.HostileAsync($"set-register {guard.Process} 32 0x{gate + 4:x}");
            isControl &= gate != 0 && await guard.IsIntactAsync();
            await session.HostileAsync($"set-register {guard.Process} 32 0x{gate + (ulong)offset:x}");
            answers.Add(await guard.AskAsync('v', 10));
            await session.ForgetAsync(guard);
        }

        var outcome = answers.TrueForAll(answer => answer.StartsWith("ended", StringComparison.Ordinal)) ? AttackOutcome.EnclaveStopped : AttackOutcome.Unexpected;
        return new Observation(isControl, outcome, string.Join(", ", answers));
    }
}
