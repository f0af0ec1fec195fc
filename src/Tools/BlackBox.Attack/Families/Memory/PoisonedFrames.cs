namespace BlackBox.Attacks;

/// <summary>Old contents in new memory.</summary>
internal sealed class PoisonedFrames() : Attack(
    "memory-poisoned-frames", AttackFamily.Memory, "fills free memory with words of its own, so that the container is granted frames with a content that the OS chose",
    "the kernel's allocator hands such frames out", AttackOutcome.Harmless)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync("poisoned");
        var before = await session.HostileAsync("statistics");
        var poison = await session.HostileAsync("poison 40000 2000");
        var answers = new List<string> { await guard.AskAsync('m'), await guard.AskAsync('f'), await guard.AskAsync('m'), await guard.AskAsync('v') };
        var after = await session.HostileAsync("statistics");
        await session.ForgetAsync(guard);
        var isBroken = answers.Exists(answer => answer.StartsWith("BROKEN", StringComparison.Ordinal) || answer.StartsWith("CHANGED", StringComparison.Ordinal));
        var outcome = isBroken ? AttackOutcome.SilentChange : answers is ["memory", "child 17", "memory", "intact"] ? AttackOutcome.Harmless : AttackOutcome.DefinedError;
        return new Observation(poison["found"] > 100 && after["framesPrivate"] > before["framesPrivate"], outcome,
            $"{string.Join(", ", answers)}; {after["framesPrivate"] - before["framesPrivate"]} frames granted; of 2000 frames of the allocator {poison["found"]} had the content");
    }
}
