using BlackBox.Building;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;
using Xunit;

namespace BlackBox.Machine.Tests;

/// <summary>The monitor and the module with the small shield of tests/Machine/WorldSwitch in place of the real one: each letter is one test of that shield,
/// which answers by the exit status of its thread. One machine for all of them.</summary>
public sealed class WorldSwitchTests(WorldSwitchTests.Fixture fixture) : IClassFixture<WorldSwitchTests.Fixture>
{
    /// <summary>SIGBUS: what the threads of a stopped enclave get (128 + 7).</summary>
    private const int BusError = 135;

    [Theory]
    [InlineData('h', 0)]
    [InlineData('c', 0)]
    [InlineData('r', 0)]
    [InlineData('t', 0)]
    [InlineData('g', 0)]
    [InlineData('s', 0)]
    [InlineData('y', 0)]
    [InlineData('f', BusError)]
    [InlineData('w', BusError)]
    [InlineData('p', BusError)]
    public async Task A_shield_finds_what_it_was_promised(char letter, int expected)
    {
        var machine = await fixture.MachineAsync();
        var result = await machine.ExecuteAsync($"timeout 60 /world-switch/hello {letter}", TimeSpan.FromMinutes(2), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal((expected, letter), (result.ExitCode, letter));
    }

    /// <summary>One ends by itself when its thread is killed, one never does: the module has to stop it.</summary>
    [Theory]
    [InlineData('k')]
    [InlineData('d')]
    public async Task A_killed_thread_leaves_nothing_behind(char letter)
    {
        var machine = await fixture.MachineAsync();
        await machine.RunAsync($"/world-switch/hello {letter} & sleep 1; kill -9 $!; for i in $(seq 60); do pidof hello || exit 0; sleep 1; done; exit 1");
    }

    [Fact]
    public async Task Several_at_once_do_not_see_each_other()
    {
        var machine = await fixture.MachineAsync();
        await machine.RunAsync("""
            pids=
            for i in 1 2 3 4; do for test in r c; do timeout 60 /world-switch/hello $test & pids="$pids $!"; done; done
            for pid in $pids; do wait $pid || exit $?; done
            """);
    }

    /// <summary>The machine, started by the first test; the module must go at the end, with no enclave left.</summary>
    public sealed class Fixture : IAsyncDisposable
    {
        private Task<EmulatedMachine>? _machine;

        public Task<EmulatedMachine> MachineAsync() => _machine ??= StartAsync();

        public async ValueTask DisposeAsync()
        {
            if (_machine is null)
            {
                return;
            }

            await using var machine = await _machine;
            var result = await machine.ExecuteAsync("sleep 1; rmmod blackbox", TimeSpan.FromMinutes(2), cancellation: CancellationToken.None);
            Assert.True(result.Succeeded, "the module does not go: " + result.Output);
        }

        private static async Task<EmulatedMachine> StartAsync()
        {
            var guest = await Guests.EnvironmentAsync();
            var project = Path.Combine(BlackBoxPaths.Repository, "tests", "Machine", "WorldSwitch", "BlackBox.Monitor.Test.Image.csproj");
            await ExternalProcess.RunCheckedAsync("dotnet", ["build", "-v", "q", project], CancellationToken.None);
            var files = new RootFilesystem();
            var module = await new ProductBuild(guest.Kernel, NoProgress.Instance).ModuleAsync(CancellationToken.None);
            files.Add(RootEntry.File(RootPath.Parse("/world-switch/blackbox.ko"), ContentSource.FromFile(module), 0x1A4));
            files.Add(RootEntry.File(RootPath.Parse("/world-switch/hello"), ContentSource.FromBytes("\u007fBBXtest"u8.ToArray()), 0x1ED));
            var machine = await EmulatedMachine.StartAsync(
                new MachineOptions { Monitor = Path.Combine(BlackBoxPaths.Images, "monitor-test.bin"), Files = [files], BootTimeout = TimeSpan.FromMinutes(4) },
                guest, CancellationToken.None);
            await machine.RunAsync("insmod /world-switch/blackbox.ko");
            return machine;
        }
    }
}
