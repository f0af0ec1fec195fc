using System.Globalization;
using Xunit;

namespace BlackBox.Attacks.Tests;

/// <summary>Every attack of the suite ends as required, and its control shows that it works.</summary>
public sealed class AttackTests(AttackFixture fixture) : IClassFixture<AttackFixture>
{
    public static IEnumerable<TheoryDataRow<string>> Names() => AttackList.All
        .Where(attack => Environment.GetEnvironmentVariable("BLACKBOX_ATTACK") is not { Length: > 0 } only
            || only.Split(',').Any(part => attack.Name.Contains(part, StringComparison.Ordinal) || attack.Family == part))
        .Select(attack => new TheoryDataRow<string>(attack.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Attack(string name)
    {
        var attack = AttackList.All.Single(attack => attack.Name == name);
        var result = await fixture.RunAsync(attack);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Outcome} ({result.Seconds} s): {result.Detail}"));
        if (Environment.GetEnvironmentVariable("BLACKBOX_ATTACK_VERBOSE") is { Length: > 0 })
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(result.Passed ? "ok    " : "FAILED")} {name}: {result.Outcome}, control {result.ControlHolds}, {result.Seconds} s: {result.Detail.ReplaceLineEndings(" | ")}"));
        }

        Assert.True(result.Passed, $"{attack.Tries}\noutcome: {result.Outcome}; required: {string.Join(" or ", result.Required)}; control ({attack.Control}): {(result.ControlHolds ? "holds" : "does not hold")}\n{result.Detail}");
    }
}
