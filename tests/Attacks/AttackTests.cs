using System.Globalization;
using Xunit;

namespace BlackBox.Attacks.Tests;

/// <summary>Every attack of the suite ends as required, and its control shows that it works.</summary>
public sealed class AttackTests(AttackFixture fixture) : IClassFixture<AttackFixture>
{
    public static IEnumerable<TheoryDataRow<string>> Names() => AttackSuite.Select(AttackFixture.Options).Select(attack => new TheoryDataRow<string>(attack.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Attack(string name)
    {
        var result = fixture[name];
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Outcome} ({result.Seconds} s): {result.Detail}"));
        Assert.True(result.Passed, $"{result.Tries}\noutcome: {result.Outcome}; required: {string.Join(" or ", result.Required)}; control ({result.Control}): {(result.ControlHolds ? "holds" : "does not hold")}\n{result.Detail}");
    }
}
