using System.Globalization;
using System.Text.Json;
using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Machine.Tests;

/// <summary>Containers that end in every way there is, again and again: all their memory comes back, scrubbed, and nothing is left over.
/// <c>./blackbox test machine --only LifeTests --rounds 200</c> makes it long.</summary>
public sealed class LifeTests(ITestOutputHelper output)
{
    private const int DefaultRounds = 8;

    // The four ends: by itself; SIGKILL of its first process; a signal that it handles (`runc kill`); the OOM killer. Each round ends when
    // the runtime knows of no container any more.
    private const string Script = """
        cd /containers
        forget() { n=0; while runc state $1 2>/dev/null | grep -q '"status": "running"' && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done; blackbox-runtime delete -f $1 2>/dev/null; true; }
        start() { blackbox-runtime run -d --bundle /containers/$1 $1 </dev/null >/run/$1.out 2>&1 || { echo "start $1: $(cat /run/$1.out)"; exit 1; }; }
        i=FIRST
        while [ $i -lt LAST ]; do
            case $((i % 4)) in
            0) blackbox-runtime run --bundle /containers/short short </dev/null >/run/short.out 2>&1; [ "$?" = 5 ] || { echo "short: $(cat /run/short.out)"; exit 1; };;
            1) start steady; kill -9 $(runc state steady | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'); forget steady;;
            2) start steady; while ! grep -q ready /run/steady.out; do sleep 0.1; done; blackbox-runtime kill steady TERM; forget steady; grep -q bye /run/steady.out || { echo "steady: $(cat /run/steady.out)"; exit 1; };;
            3) blackbox-runtime run --bundle /containers/greedy greedy </dev/null >/run/greedy.out 2>&1; code=$?; [ $code = 137 ] || { echo "greedy: $code, $(cat /run/greedy.out; dmesg | tail -5)"; exit 1; };;
            esac
            i=$((i+1))
        done
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_is_lost_however_containers_end()
    {
        var rounds = int.Parse(Environment.GetEnvironmentVariable("BLACKBOX_TEST_ROUNDS") is { Length: > 0 } text ? text : DefaultRounds.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        var guest = await Guests.EnvironmentAsync();
        using var image = await new ImageSource(guest, NoProgress.Instance).OpenAsync("shell", null, wantProtected: true, Cancellation);
        var build = new ProductBuild(guest.Kernel, NoProgress.Instance);
        var options = new MachineOptions { Monitor = await build.MonitorAsync(Cancellation), BootTimeout = TimeSpan.FromMinutes(4) };
        Container[] containers =
        [
            new("short", image.Content, ["-c", "ls / | sort | head -2; (sleep 0.01; :) | cat; exit 5"]),
            new("steady", image.Content, ["-c", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done"]),
            // Grows until its limit: the shell keeps the whole text.
            new("greedy", image.Content, ["-c", "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"], MemoryLimit: 64 << 20),
        ];
        await using var machine = await ContainerMachine.StartAsync(options, containers, guest, build, NoProgress.Instance, Cancellation);

        await RunAsync(machine, 0, 4);
        var before = await FramesAsync(machine);
        for (var done = 4; done < rounds; done += 20)
        {
            await RunAsync(machine, done, Math.Min(done + 20, rounds));
        }

        var after = await FramesAsync(machine);
        output.WriteLine($"{rounds} rounds; before: {before}; after: {after}");
        Assert.Equal(before with { Scrubbed = 0 }, after with { Scrubbed = 0 });
        Assert.Equal((0, 0), (after.Taken, after.Enclaves));
        Assert.Equal(0, after.Leaked);
        Assert.True(rounds <= 4 || after.Scrubbed > before.Scrubbed);
        Assert.Equal("", (await machine.RunAsync("ls /sys/fs/cgroup/blackbox 2>/dev/null | grep -E 'short|steady|greedy'; runc list -q; dmesg | grep -E 'WARNING:|BUG:|Oops|Kernel panic'; true")).Trim());
    }

    private static async Task RunAsync(EmulatedMachine machine, int first, int last)
    {
        var script = Script.Replace("FIRST", first.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal).Replace("LAST", last.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        var result = await machine.ExecuteAsync(script, TimeSpan.FromMinutes(10), cancellation: Cancellation);
        Assert.True(result.ExitCode == 0, $"rounds {first} to {last}: {result.Output}");
    }

    // Memory comes back in the module's own time after the last process.
    private static async Task<Frames> FramesAsync(EmulatedMachine machine)
    {
        for (var i = 0; ; i++)
        {
            using var statistics = JsonDocument.Parse(await machine.RunAsync("blackbox-runtime statistics"));
            var now = statistics.RootElement.GetProperty("machine");
            long Of(string name) => now.GetProperty(name).GetInt64();
            var frames = new Frames(
                Of("framesTotal"), Of("framesMonitor"), Of("framesOs"), Of("framesPrivate") + Of("framesTables") + Of("framesLent"), Of("enclaves"),
                statistics.RootElement.GetProperty("module").GetProperty("framesLeaked").GetInt64(), Of("bytesScrubbed"));
            if (frames.Taken == 0 || i == 50)
            {
                return frames;
            }

            await Task.Delay(200, Cancellation);
        }
    }

    private sealed record Frames(long Total, long Monitor, long Os, long Taken, long Enclaves, long Leaked, long Scrubbed);
}
