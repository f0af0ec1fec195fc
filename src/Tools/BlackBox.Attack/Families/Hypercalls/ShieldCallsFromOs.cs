namespace BlackBox.Attacks;

/// <summary>The shield's calls, made by the OS.</summary>
internal sealed class ShieldCallsFromOs() : Attack(
    "call-shield-calls-from-os", AttackFamily.Hypercalls, "makes every call of the shield (OsCall, AcceptMemory, UnwrapKey, Random, Stop ...) from the kernel",
    "a call of the OS is answered, with whatever immediate it is made", AttackOutcome.Refused)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var frame = (await session.RefusedSampleAsync(1))[0];
        var answered = new List<int>();
        for (var immediate = 1; immediate <= 15; immediate++)
        {
            var answer = await session.HostileAsync($"hvc-immediate {immediate} 0x{frame:x} 1 2 3 4");
            // Unchanged arguments or a negative status: nothing was done.
            if (answer.Status >= 0 && answer["x0"] != frame)
            {
                answered.Add(immediate);
            }
        }

        var control = await session.HostileAsync($"hvc-immediate 7 0x{(ulong)Abi.OsFunction.Version:x}");
        var outcome = answered.Count > 0 ? AttackOutcome.Unexpected : await guard.IsIntactAsync() ? AttackOutcome.Refused : AttackOutcome.EnclaveStopped;
        return new Observation(control.Status == 0, outcome, answered.Count > 0 ? $"answered: {string.Join(' ', answered)}" : "15 immediates refused");
    }
}
