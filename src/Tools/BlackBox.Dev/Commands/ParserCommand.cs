using System.Globalization;
using BlackBox.Dev.Parsers;

namespace BlackBox.Dev.Commands;

/// <summary><c>dev fuzz --target</c> dtb, elf or manifest.</summary>
internal static class ParserCommand
{
    public static int Run(string target, long inputs, ulong seed, TimeSpan time, string output, bool isJson)
    {
        ParserResult result = new ParserFuzzer(ParserTargets.Create(target), seed).Run(inputs, time);
        if (result.Failure is not null)
        {
            File.WriteAllBytes(output, result.Failure);
        }

        if (isJson)
        {
            Json.Print(new
            {
                command = "fuzz",
                target,
                seed,
                inputs = result.Inputs,
                ways = result.Ways,
                violations = result.Violation is null ? 0 : 1,
                violation = result.Violation,
                input = result.Failure is null ? null : Path.GetFullPath(output),
                seconds = Math.Round(result.Time.TotalSeconds, 1),
            });
        }
        else
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{target}, seed {seed}: {result.Inputs} inputs, {result.Ways} ways, {result.Time.TotalSeconds:0.0} s, {result.Violation ?? "no violation"}"));
        }

        return result.Violation is null ? 0 : 1;
    }

    /// <summary>One input again.</summary>
    public static int Replay(string target, string file)
    {
        ParserTargets.Create(target).Parse(File.ReadAllBytes(file));
        Console.WriteLine("no violation");
        return 0;
    }
}
