using BlackBox.Runtime;
using Xunit;

namespace BlackBox.Tools.Tests;

/// <summary>The guest's OCI runtime: how it reads runc's command line, and which bundles it lets through.</summary>
public sealed class RuntimeTests
{
    [Theory]
    [InlineData("create --bundle /b one", "create", "/b", null, false)]
    [InlineData("create -b /b one", "create", "/b", null, false)]
    [InlineData("--root /run/x --log /l --log-format json create --bundle=/b --pid-file p one", "create", "/b", "/l", true)]
    [InlineData("--debug --systemd-cgroup --log=/l run one", "run", ".", "/l", false)]
    [InlineData("--root create --log /l start one", "start", ".", "/l", false)]
    [InlineData("run --console-socket --bundle -b /b one", "run", "/b", null, false)]
    [InlineData("run one --bundle /b", "run", ".", null, false)]
    [InlineData("exec --log /l one ls", "exec", ".", null, false)]
    [InlineData("--version", "", ".", null, false)]
    [InlineData("", "", ".", null, false)]
    public void Command_line(string line, string verb, string bundle, string? log, bool json) =>
        Assert.Equal(new CommandLine(verb, bundle, log, json), CommandLine.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [Fact]
    public void An_option_without_its_value_is_an_error() => Assert.Throws<RuntimeException>(() => CommandLine.Parse(["--log"]));

    [Theory]
    [InlineData("""{"root":{"path":"rootfs"},"process":{"args":["/bin/x"]}}""", true, null)]
    [InlineData("""{"root":{"path":"rootfs"},"process":{"args":["/bin/x"]}}""", false, "not protected")]
    [InlineData("""{"root":{"path":""},"process":{"args":["/bin/x"]}}""", true, "root.path")]
    [InlineData("""{"root":"rootfs","process":{"args":["/bin/x"]}}""", true, "root.path")]
    [InlineData("""{"root":{"path":"rootfs"},"process":{"args":[]}}""", true, "process.args")]
    [InlineData("""{"root":{"path":"rootfs"}}""", true, "process.args")]
    [InlineData("[]", true, "root.path")]
    [InlineData("{", true, "not valid JSON")]
    [InlineData(null, true, "does not exist")]
    public void Bundles(string? specification, bool isProtected, string? complaint)
    {
        using var folder = new TemporaryFolder();
        if (specification is not null)
        {
            File.WriteAllText(folder.File("config.json"), specification);
        }

        if (isProtected)
        {
            Directory.CreateDirectory(folder.File("rootfs/.blackbox"));
            foreach (var part in (string[])["manifest", "files", "tags", "key"])
            {
                File.WriteAllText(folder.File($"rootfs/.blackbox/{part}"), "x");
            }
        }

        if (complaint is null)
        {
            Bundle.Check(folder.Location);
            return;
        }

        Assert.Contains(complaint, Assert.Throws<RuntimeException>(() => Bundle.Check(folder.Location)).Message, StringComparison.Ordinal);
    }
}
