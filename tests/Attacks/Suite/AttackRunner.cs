using System.Diagnostics;
using BlackBox.Hosting;

namespace BlackBox.Attacks;

/// <summary>
/// Runs attacks one after the other on one machine. A machine that an attack has brought down fails that attack and is
/// replaced for the next.
/// </summary>
/// <param name="monitor">the monitor's image, with the shield in it</param>
public sealed class AttackRunner(string monitor, IProgress<StepUpdate> progress) : IAsyncDisposable
{
    private GuestPieces? _pieces;
    private AttackSession? _session;

    /// <summary>Runs one attack. Never throws for what happens in the guest: that is a result.</summary>
    public async Task<AttackResult> RunAsync(Attack attack, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(attack);
        var clock = Stopwatch.StartNew();
        _pieces ??= await GuestPieces.BuildAsync(progress, cancellation);
        progress.Report(new StepUpdate("Attacks", double.NaN, attack.Name));
        Observation observation;
        try
        {
            _session ??= await AttackSession.StartAsync(_pieces, monitor, cancellation);
            _session.StartNative = () => AttackSession.StartAsync(_pieces, null, cancellation);
            observation = await attack.RunAsync(_session);
            if (await _session.ExamineAsync() is { } complaint)
            {
                observation = observation with { Outcome = AttackOutcome.MachineLost, Detail = complaint };
            }
        }
        catch (Exception error) when (error is BlackBoxException or InvalidDataException or FormatException)
        {
            // A machine that failed throws from every call: the first ends up here.
            observation = new Observation(false, AttackOutcome.None, error.Message);
            if (!await IsUsableAsync())
            {
                observation = observation with { Outcome = AttackOutcome.MachineLost };
                await DropAsync();
            }
        }

        return AttackResult.Of(attack, observation, clock.Elapsed);
    }

    public ValueTask DisposeAsync() => new(DropAsync());

    private async Task<bool> IsUsableAsync()
    {
        try
        {
            return _session is not null && await _session.ExamineAsync() is null;
        }
        catch (BlackBoxException)
        {
            return false;
        }
    }

    private async Task DropAsync()
    {
        if (_session is { } session)
        {
            _session = null;
            await session.DisposeAsync();
        }
    }
}
