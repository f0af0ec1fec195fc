using System.Text.Json;
using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;
using Xunit;

namespace BlackBox.Machine.Tests;

/// <summary>Containers as <c>blackbox run</c> starts them, and the guest's runtime.</summary>
public sealed class ContainerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_native_container_gives_its_output_and_exit_code()
    {
        var guest = await Guests.EnvironmentAsync();
        using var image = await new ImageSource(guest, NoProgress.Instance).OpenAsync("shell", null, wantProtected: false, Cancellation);
        await using var machine = await StartAsync(new MachineOptions(), new Container("one", image.Content, ["-c", "ls / | sort | head -2; exit 5"]));
        var result = await machine.ExecuteAsync("runc run --bundle /containers/one one", TimeSpan.FromMinutes(3), cancellation: Cancellation);
        Assert.Equal(("bin\ndev\n", 5), (result.Output, result.ExitCode));
    }

    [Fact]
    public async Task A_protected_container_gives_its_output_and_exit_code_and_all_its_memory_back()
    {
        var guest = await Guests.EnvironmentAsync();
        using var image = await new ImageSource(guest, NoProgress.Instance).OpenAsync("shell", null, wantProtected: true, Cancellation);
        Assert.True(image.IsProtected);
        var monitor = await new ProductBuild(guest.Kernel, NoProgress.Instance).MonitorAsync(Cancellation);
        await using var machine = await StartAsync(
            new MachineOptions { Monitor = monitor }, new Container("one", image.Content, ["-c", "ls / | sort | head -2; exit 5"]), new Container("two", image.Content, ["-c", "sleep 1000"]));
        var result = await machine.ExecuteAsync("blackbox-runtime run --bundle /containers/one one", TimeSpan.FromMinutes(3), cancellation: Cancellation);
        Assert.Equal(("bin\ndev\n", 5), (result.Output, result.ExitCode));
        await ContainerMachine.RequireDmaProtectionAsync(machine, Cancellation);

        await machine.RunAsync("blackbox-runtime run -d --bundle /containers/two two </dev/null >/run/two 2>&1 && sleep 1");
        using (var statistics = JsonDocument.Parse(await machine.RunAsync("blackbox-runtime statistics")))
        {
            var enclave = Assert.Single(statistics.RootElement.GetProperty("enclaves").EnumerateArray());
            Assert.False(enclave.GetProperty("stopped").GetBoolean());
            Assert.InRange(enclave.GetProperty("monitor").GetProperty("framesPrivate").GetInt64(), 1, 1 << 14);
            Assert.Equal(1, statistics.RootElement.GetProperty("machine").GetProperty("enclaves").GetInt64());
        }

        await machine.RunAsync("blackbox-runtime kill two KILL; while [ -e /sys/fs/cgroup/blackbox/two ] && grep -q 'populated 1' /sys/fs/cgroup/blackbox/two/cgroup.events; do sleep 0.1; done; sleep 2; blackbox-runtime delete two");
        using var after = JsonDocument.Parse(await machine.RunAsync("blackbox-runtime statistics"));
        var frames = after.RootElement.GetProperty("machine");
        Assert.Equal([0, 0, 0, 0], ((string[])["enclaves", "framesPrivate", "framesTables", "framesLent"]).Select(name => frames.GetProperty(name).GetInt64()));
        Assert.Equal(frames.GetProperty("framesTotal").GetInt64(), frames.GetProperty("framesOs").GetInt64() + frames.GetProperty("framesMonitor").GetInt64());
    }

    [Fact]
    public async Task Another_machine_with_every_feature_of_the_emulator_four_CPUs_and_another_size_of_RAM_protects_as_well()
    {
        var guest = await Guests.EnvironmentAsync();
        using var image = await new ImageSource(guest, NoProgress.Instance).OpenAsync("shell", null, wantProtected: true, Cancellation);
        var monitor = await new ProductBuild(guest.Kernel, NoProgress.Instance).MonitorAsync(Cancellation);
        await using var machine = await StartAsync(
            new MachineOptions { Monitor = monitor, CpuModel = "max", Cpus = 4, MemoryMiB = 1536 },
            new Container("one", image.Content, ["-c", "for i in 1 2 3 4; do ls / | sort | head -2 & done; wait; exit 5"]));
        var result = await machine.ExecuteAsync("blackbox-runtime run --bundle /containers/one one", TimeSpan.FromMinutes(3), cancellation: Cancellation);
        Assert.Equal(5, result.ExitCode);
        Assert.Equal(["bin", "bin", "bin", "bin", "dev", "dev", "dev", "dev"], result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_machine_without_SMMU_is_refused_and_answers_questions_while_a_command_runs()
    {
        var guest = await Guests.EnvironmentAsync();
        var monitor = await new ProductBuild(guest.Kernel, NoProgress.Instance).MonitorAsync(Cancellation);
        await using var machine = await StartAsync(new MachineOptions { Monitor = monitor, AnswersQuestions = true, QemuArguments = ["-machine", "iommu=none"] });
        var error = await Assert.ThrowsAsync<BlackBoxException>(() => ContainerMachine.RequireDmaProtectionAsync(machine, Cancellation));
        Assert.Contains("--allow-dma", error.Advice, StringComparison.Ordinal);

        var busy = machine.RunAsync("while ! [ -e /run/asked ]; do sleep 0.1; done");
        var asked = RunningMachine.Choose(Environment.ProcessId);
        using var ring = JsonDocument.Parse(await asked.AskAsync("audit", Cancellation));
        Assert.True(ring.RootElement.GetProperty("written").GetInt64() >= ring.RootElement.GetProperty("records").GetArrayLength());
        Assert.Contains("no question", (await Assert.ThrowsAsync<BlackBoxException>(() => asked.AskAsync("reboot", Cancellation))).Message, StringComparison.Ordinal);
        Assert.False(busy.IsCompleted);
        await machine.Control.ExecuteAsync("quit", cancellation: Cancellation);
        await Assert.ThrowsAsync<BlackBoxException>(() => busy);
    }

    [Fact]
    public async Task The_runtime_passes_on_to_runc_and_refuses_what_it_cannot_protect()
    {
        var guest = await Guests.EnvironmentAsync();
        using var image = await new ImageSource(guest, NoProgress.Instance).OpenAsync("shell", null, wantProtected: false, Cancellation);
        var runtime = new RootFilesystem();
        runtime.Add(RootEntry.File(
            RootPath.Parse("/usr/bin/blackbox-runtime"), ContentSource.FromFile(await new ProductBuild(guest.Kernel, NoProgress.Instance).RuntimeAsync(Cancellation)), 0x1ED));
        await using var machine = await StartAsync(new MachineOptions { Files = [runtime] }, new Container("plain", image.Content));
        Assert.Equal(await machine.RunAsync("runc --version"), await machine.RunAsync("blackbox-runtime --version"));

        var refused = await machine.ExecuteAsync("blackbox-runtime --log /run/log --log-format json create --bundle /containers/plain plain", TimeSpan.FromMinutes(2), cancellation: Cancellation);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("not protected", refused.Output, StringComparison.Ordinal);
        Assert.Single(refused.Output.Trim().Split('\n'));
        using var line = JsonDocument.Parse(await machine.RunAsync("cat /run/log"));
        Assert.Equal("error", line.RootElement.GetProperty("level").GetString());
        Assert.Contains("not protected", line.RootElement.GetProperty("msg").GetString(), StringComparison.Ordinal);

        // A protected image on a machine that cannot protect it.
        var unable = await machine.ExecuteAsync(
            "mkdir -p /containers/plain/rootfs/.blackbox; for f in manifest files tags key; do : > /containers/plain/rootfs/.blackbox/$f; done; blackbox-runtime run --bundle /containers/plain plain; code=$?; runc list -q; exit $code",
            TimeSpan.FromMinutes(2), cancellation: Cancellation);
        Assert.Equal(1, unable.ExitCode);
        Assert.Contains("blackbox.ko is not loaded", unable.Output, StringComparison.Ordinal);
        Assert.Single(unable.Output.Trim().Split('\n'));

        var statistics = await machine.ExecuteAsync("blackbox-runtime statistics", cancellation: Cancellation);
        Assert.Equal(1, statistics.ExitCode);
    }

    private static async Task<EmulatedMachine> StartAsync(MachineOptions options, params Container[] containers)
    {
        var guest = await Guests.EnvironmentAsync();
        return await ContainerMachine.StartAsync(
            options with { BootTimeout = TimeSpan.FromMinutes(4) }, containers, guest, new ProductBuild(guest.Kernel, NoProgress.Instance), NoProgress.Instance, Cancellation);
    }
}
