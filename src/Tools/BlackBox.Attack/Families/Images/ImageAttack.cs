namespace BlackBox.Attacks;

/// <summary>Starting a changed image, or an image in another way than its manifest says.</summary>
/// <param name="change">shell commands; $R is a copy of the image's root</param>
/// <param name="words">arguments of the program</param>
/// <param name="prelude">variables that victims.sh reads</param>
/// <param name="mayStart">the change is outside what the manifest binds: the program may run if it does not notice</param>
internal abstract class ImageAttack(string name, string tries, string change, string words = "guard 1", string prelude = "", bool mayStart = false) : Attack(
    name, AttackFamily.Images, tries, "the copy that was not changed starts", mayStart ? AttackOutcome.Refused | AttackOutcome.Harmless : AttackOutcome.Refused)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        const string Copy = "R=/tmp/image; rm -rf $R; cp -a /attacks/images/guard $R; ";
        await session.ShellAsync(Copy + "true");
        var unchanged = await session.StartAsync("unchanged", "/tmp/image", 1, "guard 1");
        var control = unchanged.IsReady && await unchanged.IsIntactAsync();
        await unchanged.EndAsync();

        await session.ShellAsync(Copy + change);
        var changed = await session.StartAsync("changed", "/tmp/image", 1, words, "PATIENCE=20; " + prelude);
        // Not to start is one way; the other is to stop at the first use of what was changed.
        var answers = new List<string> { changed.Greeting };
        foreach (var command in changed.IsReady ? "vcfdtmre" : "")
        {
            answers.Add(await changed.AskAsync(command, 20));
        }

        var isEnded = await changed.EndAsync();
        await session.TryShellAsync("rm -rf /tmp/image");
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, 1))["hits"];
        var isWhole = mayStart && answers.TrueForAll(answer => !answer.StartsWith("BROKEN", StringComparison.Ordinal) && answer != "CHANGED");
        var outcome = hits > 0 ? AttackOutcome.Leaked
            : !isEnded ? AttackOutcome.MemoryLost
            : !changed.IsReady ? AttackOutcome.Refused
            : isWhole ? AttackOutcome.Harmless : AttackOutcome.SilentChange;
        return new Observation(control, outcome, string.Join(", ", answers));
    }
}
