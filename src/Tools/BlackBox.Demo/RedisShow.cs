using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;

namespace BlackBox.Demo;

/// <summary>The other half of the demonstration: redis-server from Debian in a protected container, asked from this host.</summary>
internal sealed class RedisShow(GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress)
{
    private const string Step = "Redis, protected";
    private const int RedisPort = 6379;
    private const int Keys = 100;
    private const string Log = "/run/redis.log";

    // In bytes. Its executable alone has more.
    private const long SmallestRedis = 2 << 20;

    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan TalkTime = TimeSpan.FromMinutes(2);

    /// <exception cref="BlackBoxException">It did not start, or did not answer as it should.</exception>
    public async Task<ServiceResult> RunAsync(DemoMachine kind, CancellationToken cancellation)
    {
        progress.Report(new StepUpdate(Step, 0, "preparing the image"));
        var source = new ImageSource(guest, progress);
        using var image = await source.OpenAsync("redis", null, wantProtected: kind.Platform is null, cancellation).ConfigureAwait(false);
        var content = kind.Platform is { } platform ? source.Protect(image.Content, cancellation, platform.Key) : image.Content;
        var port = HostPorts.FindFree();
        var container = new Container("redis", content);
        var options = new MachineOptions { Ports = [new PortForward(System.Net.IPAddress.Loopback, port, RedisPort)] };
        progress.Report(new StepUpdate(Step, 0.3, "starting the machine"));
        var machine = await ContainerMachine.StartAsync(kind.With(options), [container], guest, build, progress, cancellation).ConfigureAwait(false);
        await using (machine.ConfigureAwait(false))
        {
            // In the background, so that the guest can be asked about it meanwhile.
            var start = await machine.ExecuteAsync($"{{ {container.RunCommand}; echo \"ended $?\"; }} </dev/null >{Log} 2>&1 &", cancellation: cancellation).ConfigureAwait(false);
            if (!start.Succeeded)
            {
                throw new BlackBoxException($"redis could not be started: {start.Output.Trim()}");
            }

            progress.Report(new StepUpdate(Step, 0.6, "asking it"));
            using var client = await ConnectAsync(port, machine, cancellation).ConfigureAwait(false);
            var result = await TalkAsync(client, cancellation).ConfigureAwait(false);

            // That it answers is one thing, that it does so from a PPAS another: only the monitor knows.
            var statistics = await GuestStatistics.ReadAsync(machine, cancellation).ConfigureAwait(false);
            if (statistics.Enclaves != 1 || statistics.Private * MemoryDump.PageLength < SmallestRedis)
            {
                throw new BlackBoxException($"redis answered, but not from a PPAS: the monitor has {statistics.Enclaves} of them with {statistics.Private} frames");
            }

            progress.Report(new StepUpdate(Step, 1, result.Detail));
            await machine.ShutDownAsync().ConfigureAwait(false);
            return result;
        }
    }

    /// <summary>QEMU accepts connections before there is anybody in the guest, so only an answer says that redis is there.</summary>
    private static async Task<RedisClient> ConnectAsync(int port, EmulatedMachine machine, CancellationToken cancellation)
    {
        var end = DateTime.UtcNow + StartTime;
        while (DateTime.UtcNow < end)
        {
            var log = await machine.ExecuteAsync($"cat {Log}", cancellation: cancellation).ConfigureAwait(false);
            if (log.Output.Split('\n').Any(line => line.StartsWith("ended ", StringComparison.Ordinal)))
            {
                throw new BlackBoxException($"redis did not stay: {LastLines(log.Output)}");
            }

            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(TimeSpan.FromSeconds(10));
            RedisClient? client = null;
            try
            {
                client = await RedisClient.ConnectAsync(port, limit.Token).ConfigureAwait(false);
                if (await client.AskAsync(limit.Token, "PING").ConfigureAwait(false) == "PONG")
                {
                    return client;
                }

                client.Dispose();
            }
            catch (Exception error) when (error is IOException or SocketException || (error is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                client?.Dispose();
            }

            await Task.Delay(500, cancellation).ConfigureAwait(false);
        }

        var report = await MachineReport.WriteAsync(machine, "redis").ConfigureAwait(false);
        throw new BlackBoxException($"redis did not answer within {StartTime.TotalMinutes:0} minutes", $"what the machine was doing then stands in {report}");
    }

    private static async Task<ServiceResult> TalkAsync(RedisClient client, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TalkTime);
        try
        {
            var values = Enumerable.Range(0, Keys).Select(_ => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))).ToList();
            for (var i = 0; i < Keys; i++)
            {
                await ExpectAsync(client, "OK", limit.Token, "SET", Key(i), values[i]).ConfigureAwait(false);
            }

            for (var i = 0; i < Keys; i++)
            {
                await ExpectAsync(client, values[i], limit.Token, "GET", Key(i)).ConfigureAwait(false);
            }

            await ExpectAsync(client, Keys.ToString(CultureInfo.InvariantCulture), limit.Token, "DBSIZE").ConfigureAwait(false);
            var information = await client.AskAsync(limit.Token, "INFO", "server").ConfigureAwait(false) ?? "";
            var version = information.Split('\n').FirstOrDefault(line => line.StartsWith("redis_version:", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "?";
            return new ServiceResult(true, $"redis {version} stored and returned {Keys} values");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new BlackBoxException($"redis stopped answering (waited {TalkTime.TotalMinutes:0} minutes)");
        }
        catch (IOException error)
        {
            throw new BlackBoxException($"talking to redis failed: {error.Message}", null, error);
        }

        static string Key(int number) => string.Create(CultureInfo.InvariantCulture, $"key:{number}");
    }

    private static async Task ExpectAsync(RedisClient client, string expected, CancellationToken cancellation, params string[] words)
    {
        var reply = await client.AskAsync(cancellation, words).ConfigureAwait(false);
        if (reply != expected)
        {
            throw new BlackBoxException($"redis answered '{reply}' to {words[0]}, not '{expected}'");
        }
    }

    private static string LastLines(string output) =>
        string.Join("; ", output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(3));
}
