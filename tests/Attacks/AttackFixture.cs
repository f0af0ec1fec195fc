using BlackBox.Emulation;
using BlackBox.Hosting;
using Xunit;

// One class, one run of the suite: it has its own ways of doing things side by side.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace BlackBox.Attacks.Tests;

/// <summary>One run of the attack suite; the tests look at its results.</summary>
public sealed class AttackFixture : IAsyncLifetime
{
    private readonly Dictionary<string, AttackResult> _results = new(StringComparer.Ordinal);

    /// <summary>BLACKBOX_ATTACK: names or parts of names, separated by commas.</summary>
    public static AttackOptions Options => new()
    {
        Only = Environment.GetEnvironmentVariable("BLACKBOX_ATTACK") is { Length: > 0 } only ? only.Split(',') : [],
        Monitor = Environment.GetEnvironmentVariable("BLACKBOX_ATTACK_MONITOR"),
    };

    public AttackResult this[string name] => _results[name];

    public async ValueTask InitializeAsync()
    {
        var guest = await GuestEnvironment.OpenAsync(NoProgress.Instance, CancellationToken.None);
        foreach (var result in await AttackSuite.RunAsync(Options, guest, NoProgress.Instance, null, CancellationToken.None))
        {
            _results[result.Name] = result;
        }

        var path = Path.Combine(BlackBoxPaths.Repository, "artifacts", "attacks", "results.json");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, AttackResult.ToJson(_results.Values));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
