using BlackBox.Dev.Parsers;
using Xunit;

namespace BlackBox.Monitor.Tests;

/// <summary>Parsers of untrusted bytes on changed inputs: they refuse, or yield something sound; they never fail.</summary>
public sealed class ParserFuzzTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("dtb", 20)]
    [InlineData("elf", 40)]
    [InlineData("manifest", 40)]
    public void Changed_inputs_are_refused_or_sound(string name, int ways)
    {
        ParserTarget target = ParserTargets.Create(name);
        foreach (byte[] sample in target.Samples)
        {
            Assert.NotEqual(0, target.Parse([.. sample]));
        }

        ParserResult result = new ParserFuzzer(target, 20261124).Run(40_000, TimeSpan.FromSeconds(60));
        output.WriteLine($"{name}: {result.Inputs} inputs, {result.Ways} ways, {result.Time.TotalSeconds:0.0} s");
        Assert.True(result.Violation is null, $"{result.Violation}: {Convert.ToHexString(result.Failure ?? [])}");
        Assert.True(result.Ways >= ways, $"{result.Ways} ways");
    }
}
