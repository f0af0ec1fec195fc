using BlackBox.Dev.Fuzzing;
using BlackBox.Dev.Model;
using Xunit;

namespace BlackBox.Monitor.Tests;

/// <summary>Small scope, exhaustively, not very deep: what <c>blackbox dev model</c> does to its end.</summary>
public sealed class ModelTests(ITestOutputHelper output)
{
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("BLACKBOX_TEST_EFFORT") is not null;

    [Fact]
    public void Memory_of_two_enclaves() => Search(Scenario.Memory(IsLong ? int.MaxValue : 4), 5000);

    [Fact]
    public void Tasks() => Search(Scenario.Tasks(IsLong ? 14 : 6), 1000);

    [Fact]
    public void The_life_of_enclaves() => Search(Scenario.Life(IsLong ? int.MaxValue : 6), 500);

    [Fact]
    public void All_calls_of_both_interfaces() => Search(Scenario.All(IsLong ? 4 : 2), 500);

    private void Search(Scenario scenario, int atLeast)
    {
        ModelResult result = new ModelExplorer(scenario).Run(TimeSpan.MaxValue, int.MaxValue);
        output.WriteLine($"{scenario.Name}: {result.States} states, {result.Transitions} transitions, depth {result.Depth}, {result.Time.TotalSeconds:0.0} s");
        Assert.True(result.Violation is null, $"{result.Violation}\n{string.Join('\n', result.Failure)}");
        Assert.True(result.States >= atLeast, $"{result.States} states");
        Assert.Null(Shrinker.Try(scenario.Cpus, scenario.Start));
    }
}
