using System.Globalization;

namespace BlackBox.Dev.Fuzzing;

/// <summary>A sequence as a text file: comments, the number of CPUs, one step a line.</summary>
internal static class ReplayFile
{
    private const string CpusKey = "cpus ";

    public static void Write(string path, int cpus, ulong seed, string violation, IEnumerable<Step> steps) => File.WriteAllLines(
        path,
        [
            $"# {violation.ReplaceLineEndings(" ")}",
            string.Create(CultureInfo.InvariantCulture, $"# seed {seed}"),
            "# group cpu kind enclave task task2 frame frame2 count x",
            string.Create(CultureInfo.InvariantCulture, $"{CpusKey}{cpus}"),
            .. steps.Select(step => step.ToString()),
        ]);

    /// <exception cref="FormatException">Not a replay file.</exception>
    public static (int Cpus, IReadOnlyList<Step> Steps) Read(string path)
    {
        int cpus = 0;
        var steps = new List<Step>();
        foreach (string line in File.ReadAllLines(path).Where(line => line.Length > 0 && line[0] != '#'))
        {
            if (line.StartsWith(CpusKey, StringComparison.Ordinal))
            {
                cpus = int.Parse(line.AsSpan(CpusKey.Length), CultureInfo.InvariantCulture);
            }
            else
            {
                steps.Add(Step.Parse(line));
            }
        }

        return cpus > 0 && steps.TrueForAll(step => step.Cpu < cpus) ? (cpus, steps) : throw new FormatException($"{path} is not a replay file");
    }
}
