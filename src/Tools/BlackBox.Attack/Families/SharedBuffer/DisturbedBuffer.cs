namespace BlackBox.Attacks;

/// <summary>Writes to the shared buffer of a container's thread from another CPU while it makes calls.</summary>
/// <param name="first">offset of the bytes in the buffer</param>
/// <param name="bytes">their number</param>
/// <param name="mode">0 random, 1 flipping, 2 extreme values (hostile_ioctl.h)</param>
internal abstract class DisturbedBuffer(string name, string tries, int first, int bytes, int mode) : Attack(
    name, AttackFamily.SharedBuffer, tries, "the same writes to the unprotected program's heap change its secret",
    AttackOutcome.Harmless | AttackOutcome.DefinedError | AttackOutcome.EnclaveStopped)
{
    private const string Commands = "cfdmtvcfdv";

    /// <summary>Pages of a buffer, and where the first task's stands in the window.</summary>
    private const int BufferPages = 16;
    private const ulong BufferOffset = 0x1_0000;

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var plain = await session.PlainAsync();
        await session.HostileAsync($"disturb {plain.Process} 0x{plain.HeapAddress:x} 8 {first % 4096} 4096 {mode} 1");
        await session.TryShellAsync("sleep 1");
        await session.HostileAsync("disturb-stop");
        var control = await plain.AskAsync('v');
        await session.ForgetAsync(plain);

        var guard = await session.ProtectedAsync("buffer");
        var data = (await session.HostileAsync($"task {guard.Process}"))["data"];
        var started = await session.HostileAsync($"disturb {guard.Process} 0x{data + BufferOffset:x} {BufferPages} {first} {bytes} {mode} 1");
        var answers = new List<string>();
        foreach (var command in Commands)
        {
            answers.Add(await guard.AskAsync(command, 20));
            if (answers[^1] == "silent" || answers[^1].StartsWith("ended", StringComparison.Ordinal))
            {
                break;
            }
        }

        var writes = (await session.HostileAsync("disturb-stop"))["writes"];
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, guard.Salt))["hits"];
        var ended = await session.ForgetAsync(guard);
        return new Observation(control == "CHANGED" && started.Error is null && writes > 1000, Judge(answers, hits, ended), $"{writes} writes; {string.Join(", ", answers)}");
    }

    private static AttackOutcome Judge(List<string> answers, ulong hits, bool ended) =>
        hits > 0 ? AttackOutcome.Leaked
        : answers.Exists(answer => answer.StartsWith("BROKEN", StringComparison.Ordinal) || answer.StartsWith("CHANGED", StringComparison.Ordinal)) ? AttackOutcome.SilentChange
        : !ended ? AttackOutcome.MemoryLost
        : answers.Exists(answer => answer.StartsWith("ended", StringComparison.Ordinal) || answer == "silent") ? AttackOutcome.EnclaveStopped
        : answers.Exists(answer => answer.Contains("error", StringComparison.Ordinal) && !answer.EndsWith("errors 0", StringComparison.Ordinal)) ? AttackOutcome.DefinedError
        : AttackOutcome.Harmless;
}
