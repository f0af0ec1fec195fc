using BlackBox.Emulation;
using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Tools.Tests;

public sealed class HostingTests
{
    [Fact]
    public async Task An_interrupted_output_leaves_what_was_there()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("result");
        File.WriteAllText(path, "good");
        await Assert.ThrowsAsync<IOException>(() => AtomicOutput.WriteFileAsync(path, async file =>
        {
            await file.WriteAsync("half"u8.ToArray());
            throw new IOException("disk full");
        }));
        Assert.Equal("good", File.ReadAllText(path));
        Assert.Single(Directory.GetFileSystemEntries(folder.Location));

        await AtomicOutput.WriteFileAsync(path, file => file.WriteAsync("better"u8.ToArray()).AsTask());
        Assert.Equal("better", File.ReadAllText(path));
    }

    [Fact]
    public async Task Leftovers_of_a_killed_run_are_removed_and_those_of_a_running_one_kept()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("result");
        Directory.CreateDirectory(path + ".partial-999999999-x");
        File.WriteAllText($"{path}.partial-{Environment.ProcessId}-y", "");
        await AtomicOutput.WriteFolderAsync(path, target => File.WriteAllTextAsync(Path.Combine(target, "f"), "x"));
        Assert.False(Directory.Exists(path + ".partial-999999999-x"));
        Assert.True(File.Exists($"{path}.partial-{Environment.ProcessId}-y"));
        Assert.True(File.Exists(Path.Combine(path, "f")));
    }

    [Fact]
    public async Task Two_users_of_a_lock_wait_for_each_other()
    {
        using var folder = new TemporaryFolder();
        var first = await CacheLock.AcquireAsync(folder.File("lock"), null, TestContext.Current.CancellationToken);
        var waited = false;
        var second = CacheLock.AcquireAsync(folder.File("lock"), () => waited = true, TestContext.Current.CancellationToken);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.False(second.IsCompleted);
        Assert.True(waited);
        first.Dispose();
        (await second).Dispose();
    }

    [Fact]
    public async Task A_program_is_killed_when_the_caller_gives_up()
    {
        using var end = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var started = DateTime.UtcNow;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ExternalProcess.RunAsync("sh", ["-c", "sleep 60 & wait"], end.Token));
        Assert.True(DateTime.UtcNow - started < TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_failing_program_is_quoted()
    {
        var error = await Assert.ThrowsAsync<BlackBoxException>(() => ExternalProcess.RunCheckedAsync("sh", ["-c", "echo because >&2; exit 3"], TestContext.Current.CancellationToken));
        Assert.Contains("because", error.Message, StringComparison.Ordinal);
        Assert.Contains("3", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<BlackBoxException>(() => ExternalProcess.RunAsync("no-such-program-here", [], TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("8080:80", "127.0.0.1", 8080, 80)]
    [InlineData("0.0.0.0:8080:80", "0.0.0.0", 8080, 80)]
    public void Port_forwardings_are_read(string text, string address, int host, int guest) =>
        Assert.Equal((address, host, guest), (PortForward.Parse(text).HostAddress.ToString(), PortForward.Parse(text).HostPort, PortForward.Parse(text).GuestPort));

    [Theory]
    [InlineData("80")]
    [InlineData("0:80")]
    [InlineData("80:65536")]
    [InlineData("x:1:2")]
    [InlineData("1:2:3:4")]
    [InlineData("-1:2")]
    public void Bad_port_forwardings_are_refused(string text) => Assert.Throws<FormatException>(() => PortForward.Parse(text));
}
