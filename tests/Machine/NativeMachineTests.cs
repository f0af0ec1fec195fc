using BlackBox.Emulation;
using BlackBox.Guest;
using BlackBox.Hosting;
using BlackBox.Recipes;
using Xunit;

namespace BlackBox.Machine.Tests;

/// <summary>The emulated machine itself, with Debian's kernel started directly: what every other machine test stands on.</summary>
public sealed class NativeMachineTests
{
    [Fact]
    public async Task Commands_give_their_output_and_exit_code()
    {
        await using var machine = await Guests.StartAsync(new MachineOptions());
        Assert.Contains("aarch64", await machine.RunAsync("uname -m"), StringComparison.Ordinal);
        Assert.Equal("2\n", await machine.RunAsync("nproc"));
        Assert.Equal(7, (await machine.ExecuteAsync("echo a >&2; exit 7", cancellation: TestContext.Current.CancellationToken)).ExitCode);

        // Every byte value, and more than any buffer on the way holds.
        var binary = await machine.ExecuteAsync("i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %03o $i)\"; i=$((i+1)); done; head -c 300000 /dev/zero", TimeSpan.FromMinutes(3), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 256).Select(i => (byte)i).Concat(new byte[300000]), binary.Bytes);
    }

    [Fact]
    public async Task Another_machine_comes_up_too()
    {
        await using var machine = await Guests.StartAsync(new MachineOptions { CpuModel = "max", Cpus = 4, MemoryMiB = 1536 });
        Assert.Equal("4\n", await machine.RunAsync("nproc"));
        var memory = await machine.RunAsync("grep MemTotal /proc/meminfo | tr -dc 0-9");
        Assert.InRange(int.Parse(memory), 1300 * 1024, 1536 * 1024);
    }

    [Fact]
    public async Task Stock_runc_runs_a_container()
    {
        var guest = await Guests.EnvironmentAsync();
        var recipe = RecipeReader.Find("shell", BlackBoxPaths.Repository);
        var content = await new RecipeBuilder(guest.Cache, guest.Debian, NoProgress.Instance).BuildAsync(recipe, TestContext.Current.CancellationToken);
        var tools = await GuestTools.OpenAsync(GuestTools.ContainerTools, guest, NoProgress.Instance, TestContext.Current.CancellationToken);
        await using var machine = await Guests.StartAsync(new MachineOptions
        {
            Files = [tools, OciBundle.Create(content, "one", ["-c", "ls / | sort | head -3; exit 5"])],
        });
        var result = await machine.ExecuteAsync("runc run --bundle /containers/one one", TimeSpan.FromMinutes(3), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal("bin\ndev\netc\n", result.Output);
        Assert.Equal(5, result.ExitCode);
    }

    [Fact]
    public async Task A_repeatable_run_repeats_bit_for_bit()
    {
        var guest = await Guests.EnvironmentAsync();
        async Task<(string Output, byte[] Console)> RunAsync()
        {
            var log = Path.GetTempFileName();
            try
            {
                var results = await MachineJob.RunAsync(
                    new MachineOptions { Repeatable = true, Cpus = 1, ConsoleLog = log, BootTimeout = TimeSpan.FromMinutes(4) }, guest,
                    ["head -c 16 /dev/urandom | od -x; cat /proc/uptime /proc/interrupts", "date; exit 3"], TimeSpan.FromMinutes(3), TestContext.Current.CancellationToken);
                Assert.Equal([0, 3], results.Select(result => result.ExitCode));
                return (string.Concat(results.Select(result => result.Output)), await File.ReadAllBytesAsync(log, TestContext.Current.CancellationToken));
            }
            finally
            {
                File.Delete(log);
            }
        }

        var (first, second) = (await RunAsync(), await RunAsync());
        Assert.Equal(first.Output, second.Output);
        Assert.Equal(first.Console, second.Console);
    }

    [Fact]
    public async Task A_panic_is_reported_as_such()
    {
        await using var machine = await Guests.StartAsync(new MachineOptions());
        var error = await Assert.ThrowsAsync<BlackBoxException>(() => machine.ExecuteAsync("echo c > /proc/sysrq-trigger; sleep 60", TimeSpan.FromMinutes(2), cancellation: TestContext.Current.CancellationToken));
        Assert.Contains("Kernel panic - not syncing", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<BlackBoxException>(() => machine.ExecuteAsync("true", cancellation: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_command_that_hangs_ends_the_machine()
    {
        var machine = await Guests.StartAsync(new MachineOptions());
        await using (machine)
        {
            var error = await Assert.ThrowsAsync<BlackBoxException>(() => machine.ExecuteAsync("sleep 600", TimeSpan.FromSeconds(2), cancellation: TestContext.Current.CancellationToken));
            Assert.Contains("did not end in time", error.Message, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists($"/proc/{machine.ProcessId}"));
    }

    [Fact]
    public async Task The_host_reaches_a_forwarded_port_and_QEMUs_control()
    {
        var port = HostPorts.FindFree();
        await using var machine = await Guests.StartAsync(new MachineOptions { Ports = [PortForward.Parse($"{port}:8000")] });
        await machine.RunAsync("mkdir /www; echo served > /www/index.html; httpd -h /www -p 8000");
        using var client = new HttpClient();
        Assert.Equal("served\n", await client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/"), TestContext.Current.CancellationToken));
        Assert.Contains("PC=", await machine.Control.HumanAsync("info registers -a", TestContext.Current.CancellationToken), StringComparison.Ordinal);

        var error = await Assert.ThrowsAsync<BlackBoxException>(() => Guests.StartAsync(new MachineOptions { Ports = [PortForward.Parse($"{port}:80")] }));
        Assert.Contains($"port {port}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_keeps_what_the_guest_writes()
    {
        var disk = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(disk, new byte[1 << 20], TestContext.Current.CancellationToken);
            await using (var machine = await Guests.StartAsync(new MachineOptions { Disks = [new MachineDisk(disk, ReadOnly: false)] }))
            {
                await machine.RunAsync("printf written > /dev/vda; sync");
                await machine.ShutDownAsync();
            }

            Assert.Equal("written"u8.ToArray(), (await File.ReadAllBytesAsync(disk, TestContext.Current.CancellationToken))[..7]);
        }
        finally
        {
            File.Delete(disk);
        }
    }
}
