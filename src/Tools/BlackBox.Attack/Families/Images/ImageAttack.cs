namespace BlackBox.Attacks;

/// <summary>Starting a changed image, or an image in another way than its manifest says.</summary>
/// <param name="change">shell commands; $R is a copy of the image's root</param>
/// <param name="words">arguments of the program</param>
/// <param name="prelude">variables that victims.sh reads</param>
/// <param name="mayStart">the program may run if it is whole: the attack is no change, or one that comes and goes</param>
/// <param name="afterwards">shell commands that undo what is outside the copy</param>
internal abstract class ImageAttack(string name, string tries, string change, string words = "guard 1", string prelude = "", bool mayStart = false, string afterwards = "", string image = "guard") : Attack(
    name, AttackFamily.Images, tries, "the copy that was not changed starts, and the change does change it",
    mayStart ? AttackOutcome.Refused | AttackOutcome.Harmless : AttackOutcome.Refused)
{
    // Names, kinds, sizes, link targets and contents of all files.
    private const string Digest = "(cd $R && find . -exec stat -c '%N %F %s %t %T' {} + | sort; cd $R && find . -type f -exec md5sum {} + | sort) | md5sum";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        // The image "script" has a script as its entry point.
        var (usualWords, usualPrelude) = image == "script" ? ("", "PROGRAM=/bin/script;") : ("guard 1", "");
        var copy = $"R=/tmp/image; rm -rf $R; cp -a /attacks/images/{image} $R; ";
        if (!session.StartingImages.Contains(image))
        {
            await session.ShellAsync(copy + "true");
            var unchanged = await session.StartAsync("unchanged", "/tmp/image", 1, usualWords, usualPrelude);
            if (unchanged.IsReady && await unchanged.IsIntactAsync())
            {
                session.StartingImages.Add(image);
            }

            await unchanged.EndAsync();
        }

        var digests = (await session.ShellAsync($"{copy}{Digest}; {change}\n{Digest}")).Trim().Split('\n');
        var isOtherStart = words != usualWords || prelude != usualPrelude || afterwards.Length > 0;
        var control = session.StartingImages.Contains(image) && (isOtherStart || digests[0] != digests[^1]);
        var changed = await session.StartAsync("changed", "/tmp/image", 1, words, "PATIENCE=20; " + prelude);
        // Not to start is one way; the other is to stop at the first use of what was changed.
        var answers = new List<string> { changed.Greeting };
        foreach (var command in changed.IsReady ? "vcfdtmre" : "")
        {
            answers.Add(await changed.AskAsync(command, 20));
        }

        var isEnded = await changed.EndAsync();
        await session.TryShellAsync($"R=/tmp/image; {(afterwards.Length > 0 ? afterwards : "true")}; rm -rf $R");
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, 1))["hits"];
        var isWhole = mayStart && answers.TrueForAll(answer => !answer.StartsWith("BROKEN", StringComparison.Ordinal) && answer != "CHANGED");
        var outcome = hits > 0 ? AttackOutcome.Leaked
            : !isEnded ? AttackOutcome.MemoryLost
            : !changed.IsReady ? AttackOutcome.Refused
            : isWhole ? AttackOutcome.Harmless : AttackOutcome.SilentChange;
        return new Observation(control, outcome, string.Join(", ", answers));
    }
}
