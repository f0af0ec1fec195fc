using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;

namespace BlackBox.Demo;

/// <summary>
/// The demonstration. A machine with Secure Boot and a TPM says who it is. The same program runs once natively and once protected on that machine, where it
/// proves what it is; each time root dumps all memory and the dump is searched for the program's secret. Beside it a redis works in a protected container whose image
/// that machine alone can open.
/// </summary>
public sealed class Demonstration(GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress)
{
    /// <summary>Runs all parts. A part that fails is in the result, with the reason; the others run all the same.</summary>
    /// <param name="monitor">A flat monitor to start directly, without evidence; null: through the whole boot chain.</param>
    public async Task<DemoResult> RunAsync(string? monitor, CancellationToken cancellation)
    {
        using var platform = monitor is null ? await MeasuredPlatform.CreateAsync(build, cancellation).ConfigureAwait(false) : null;
        var kind = new DemoMachine(monitor, platform);
        var plain = SecretProgram.Image(await build.SecretAsync(cancellation).ConfigureAwait(false));
        var attack = new DumpAttack(guest, build, progress);
        var source = new ImageSource(guest, progress);
        var (native, nativeFailure) = await AttemptAsync(() => attack.RunAsync(DemoMachine.Native, plain, cancellation)).ConfigureAwait(false);
        var (guarded, guardedFailure) = await AttemptAsync(async () =>
        {
            if (platform is not null)
            {
                await platform.EnrolAsync(guest, build, progress, cancellation).ConfigureAwait(false);
            }

            return await attack.RunAsync(kind, source.Protect(plain, cancellation, platform?.Key), cancellation).ConfigureAwait(false);
        }).ConfigureAwait(false);
        var (redis, redisFailure) = platform is { IsEnrolled: false }
            ? (null, "it was not tried, because the platform did not come up")
            : await AttemptAsync(() => new RedisShow(guest, build, progress).RunAsync(kind, cancellation)).ConfigureAwait(false);
        var evidence = guarded?.Evidence ?? new EvidenceResult(false, monitor is null ? "none" : "none: the monitor was started directly", false);
        return new DemoResult(
            new SearchResult(native?.ContainerHits, nativeFailure),
            new SearchResult(guarded?.ContainerHits, guardedFailure),
            new SearchResult(guarded?.CanaryHits, guardedFailure),
            guarded?.Memory,
            redis ?? new ServiceResult(false, redisFailure!),
            evidence.SecureBoot, evidence.Verdict, evidence.DmaProtection, monitor is not null);
    }

    private static async Task<(T? Result, string? Failure)> AttemptAsync<T>(Func<Task<T>> part)
        where T : class
    {
        try
        {
            return (await part().ConfigureAwait(false), null);
        }
        catch (BlackBoxException error)
        {
            return (null, error.Message);
        }
    }
}
