using System.Diagnostics;
using BlackBox.Hosting;

namespace BlackBox.Attacks;

/// <summary>
/// Runs attacks one after the other: on one machine that stays, and where the control needs it on a second one with a build that has a
/// fault. A machine that an attack has brought down fails that attack and is replaced for the next.
/// </summary>
internal sealed class AttackLane(GuestPieces pieces, AttackBuilds builds, int round) : IAsyncDisposable
{
    private readonly Station _product = new();
    private readonly Station _other = new();

    /// <summary>Runs one attack. Never throws for what happens in the guest: that is a result.</summary>
    public async Task<AttackResult> RunAsync(Attack attack, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var observation = await ObserveAsync(attack, attack.Build, cancellation).ConfigureAwait(false);
        if (attack.Mutant is { } mutant)
        {
            var control = await ObserveAsync(attack, mutant, cancellation).ConfigureAwait(false);
            observation = observation with
            {
                ControlHolds = observation.ControlHolds && control.Outcome != AttackOutcome.None && (control.Outcome & ~attack.Required) != 0,
                Detail = $"{observation.Detail}; mutant {mutant}: {AttackResult.Text(control.Outcome)} ({control.Detail})",
            };
        }

        return AttackResult.Of(attack, observation, clock.Elapsed);
    }

    public async ValueTask DisposeAsync()
    {
        await _product.DropAsync().ConfigureAwait(false);
        await _other.DropAsync().ConfigureAwait(false);
    }

    private async Task<Observation> ObserveAsync(Attack attack, string? build, CancellationToken cancellation)
    {
        var station = build is null ? _product : _other;
        if (station.Build != build)
        {
            await station.DropAsync().ConfigureAwait(false);
            station.Build = build;
        }

        try
        {
            // A machine that does not come up is no outcome: neither of the attack nor of its control.
            station.Session ??= await AttackSession.StartAsync(pieces, await builds.MonitorAsync(build, cancellation).ConfigureAwait(false), cancellation).ConfigureAwait(false);
        }
        catch (BlackBoxException error)
        {
            return new Observation(false, AttackOutcome.None, error.Message);
        }

        var session = station.Session;
        session.Round = round;
        session.Build = build;
        session.StartOther = (name, change) => StartOtherAsync(name, change, cancellation);
        try
        {
            var observation = await attack.RunAsync(session).ConfigureAwait(false);
            if (await session.ExamineAsync().ConfigureAwait(false) is { } complaint)
            {
                await station.DropAsync().ConfigureAwait(false);
                return observation with { Outcome = AttackOutcome.MachineLost, Detail = $"{complaint}; {observation.Detail}" };
            }

            if (build is not null && (observation.Outcome & ~attack.Required) != 0)
            {
                // What a planted fault has done to this machine is not the next attack's business.
                await station.DropAsync().ConfigureAwait(false);
            }

            return observation;
        }
        catch (Exception error) when (error is BlackBoxException or InvalidDataException or FormatException or InvalidOperationException)
        {
            // A machine that failed throws from every call: the first ends up here.
            var isUsable = await IsUsableAsync(session).ConfigureAwait(false);
            if (!isUsable)
            {
                await station.DropAsync().ConfigureAwait(false);
            }

            return new Observation(false, isUsable ? AttackOutcome.None : AttackOutcome.MachineLost, error.Message);
        }
    }

    private async Task<AttackSession> StartOtherAsync(string? build, Func<Emulation.MachineOptions, Emulation.MachineOptions>? change, CancellationToken cancellation)
    {
        var monitor = build == AttackBuilds.Native ? null : await builds.MonitorAsync(build, cancellation).ConfigureAwait(false);
        return await AttackSession.StartAsync(pieces, monitor, cancellation, change).ConfigureAwait(false);
    }

    private static async Task<bool> IsUsableAsync(AttackSession session)
    {
        try
        {
            return await session.ExamineAsync().ConfigureAwait(false) is null;
        }
        catch (BlackBoxException)
        {
            return false;
        }
    }

    private sealed class Station
    {
        public string? Build { get; set; }

        public AttackSession? Session { get; set; }

        public async Task DropAsync()
        {
            if (Session is { } session)
            {
                Session = null;
                await session.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
