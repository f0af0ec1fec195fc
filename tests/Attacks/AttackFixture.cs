using BlackBox.Hosting;
using Xunit;

// One machine for all: they attack it one after the other.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace BlackBox.Attacks.Tests;

/// <summary>The runner of all attacks, and the file with their results.</summary>
public sealed class AttackFixture : IAsyncDisposable
{
    private readonly List<AttackResult> _results = [];
    private readonly AttackRunner _runner = new(
        Environment.GetEnvironmentVariable("BLACKBOX_ATTACK_MONITOR") ?? Path.Combine(BlackBoxPaths.Images, "monitor.bin"), NoProgress.Instance);

    public async Task<AttackResult> RunAsync(Attack attack)
    {
        var result = await _runner.RunAsync(attack, TestContext.Current.CancellationToken);
        _results.Add(result);
        return result;
    }

    public async ValueTask DisposeAsync()
    {
        await _runner.DisposeAsync();
        if (_results.Count > 0)
        {
            var path = Environment.GetEnvironmentVariable("BLACKBOX_ATTACK_RESULTS") ?? Path.Combine(BlackBoxPaths.Repository, "artifacts", "attacks", "results.json");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllTextAsync(path, AttackResult.ToJson(_results));
        }
    }
}
