using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Demo;

/// <summary>
/// The demonstration. The same program runs once natively and once protected; each time root dumps all memory and the dump is
/// searched for the program's secret. Beside it a redis works in a protected container.
/// </summary>
public sealed class Demonstration(GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress)
{
    /// <summary>Runs all parts. A part that fails is in the result, with the reason; the others run all the same.</summary>
    /// <param name="monitor">The monitor's image.</param>
    public async Task<DemoResult> RunAsync(string monitor, CancellationToken cancellation)
    {
        var plain = SecretProgram.Image(await build.SecretAsync(cancellation).ConfigureAwait(false));
        var attack = new DumpAttack(guest, build, progress);
        var (native, nativeFailure) = await AttemptAsync(() => attack.RunAsync(null, plain, cancellation)).ConfigureAwait(false);
        var (guarded, guardedFailure) = await AttemptAsync(() =>
        {
            ImageContent content = new ImageSource(guest, progress).Protect(plain, cancellation);
            return attack.RunAsync(monitor, content, cancellation);
        }).ConfigureAwait(false);
        var (redis, redisFailure) = await AttemptAsync(() => new RedisShow(guest, build, progress).RunAsync(monitor, cancellation)).ConfigureAwait(false);
        return new DemoResult(
            new SearchResult(native?.ContainerHits, nativeFailure),
            new SearchResult(guarded?.ContainerHits, guardedFailure),
            new SearchResult(guarded?.CanaryHits, guardedFailure),
            guarded?.Memory,
            redis ?? new ServiceResult(false, redisFailure!));
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
