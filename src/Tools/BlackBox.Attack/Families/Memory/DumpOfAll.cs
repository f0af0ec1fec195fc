namespace BlackBox.Attacks;

/// <summary>After all other attacks: all that the OS can read.</summary>
internal sealed class DumpOfAll() : Attack(
    "memory-dump-of-all", AttackFamily.Memory, "after all other attacks, dumps all memory that the OS can read and searches it for the secrets of containers that live, computed and were killed",
    "the same search finds the unprotected program's secret there, and the container's own where the OS cannot read", AttackOutcome.Harmless)
{
    public override bool IsLast => true;

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var plain = await session.PlainAsync();
        var killed = await session.ProtectedAsync("killed-before-dump");
        await killed.AskAsync('p');
        await session.ForgetAsync(killed);
        var started = (await guard.AskAsync('S'), await plain.AskAsync('S'));
        var dump = await MemoryImage.TakeAsync(session);
        var readable = await MemoryImage.ReadableAsync(session);
        var ended = (await guard.AskAsync('v'), await plain.AskAsync('v'));
        var readableAfter = await MemoryImage.ReadableAsync(session);
        var isSame = readable.AsSpan().SequenceEqual(readableAfter);
        int CountOf(int salt, bool inReadable) => Pattern.Count(dump, salt, frame => readable[frame] == inReadable);
        var hits = CountOf(guard.Salt, true) + CountOf(guard.RegisterSalt, true);
        var hidden = CountOf(guard.Salt, false);
        var control = CountOf(plain.Salt, true);
        var outcome = hits > 0 ? AttackOutcome.Leaked : ended.Item1 == "intact" ? AttackOutcome.Harmless : AttackOutcome.SilentChange;
        return new Observation(started == ("spinning", "spinning") && control > 0 && hidden > 0 && isSame, outcome,
            $"{readable.Count(can => can)} of {readable.Length} frames readable; secret of the container: {hits} places there, {hidden} elsewhere; of the unprotected program: {control}");
    }
}
