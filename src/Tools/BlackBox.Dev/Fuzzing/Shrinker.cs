namespace BlackBox.Dev.Fuzzing;

/// <summary>Takes steps out of a failing sequence as long as it fails without them.</summary>
internal static class Shrinker
{
    private const int MaximumRuns = 3000;

    public static IReadOnlyList<Step> Shrink(int cpus, IReadOnlyList<Step> failing)
    {
        List<Step> best = [.. failing];
        int runs = 0;
        if (Try(cpus, best) is null)
        {
            return best; // depends on more than the sequence: as it is
        }

        // One after the other instead of together, where it fails just as well.
        List<Step> alone = [.. best.Select(step => step with { Group = 0 })];
        best = Try(cpus, alone) is not null ? alone : best;
        for (int size = best.Count / 2; size >= 1 && runs < MaximumRuns; size = size == 1 ? 0 : Math.Max(1, size / 2))
        {
            bool isShorter = true;
            while (isShorter && runs < MaximumRuns)
            {
                isShorter = false;
                for (int start = best.Count - size; start >= 0 && runs < MaximumRuns; start -= size)
                {
                    List<Step> shorter = [.. best.Take(start), .. best.Skip(start + size)];
                    runs++;
                    if (Try(cpus, shorter) is not null)
                    {
                        best = shorter;
                        isShorter = true;
                    }
                }

                isShorter &= size == 1;
            }
        }

        return best;
    }

    /// <summary>Runs a sequence on a machine of its own.</summary>
    /// <returns>what was violated; null: nothing</returns>
    public static string? Try(int cpus, IReadOnlyList<Step> steps)
    {
        using var runner = new SequenceRunner(cpus);
        try
        {
            runner.Run(steps);
            return null;
        }
        catch (Exception exception) when (Fuzzer.IsViolation(exception))
        {
            return Fuzzer.Describe(exception);
        }
    }
}
