using System.Diagnostics;
using System.Text.Json.Nodes;
using Xunit;

namespace BlackBox.Images.Tests;

/// <summary>The commands as users call them: output, exit codes, and what is left behind.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("blackbox-cli-test-").FullName;

    public CommandTests()
    {
        var root = Directory.CreateDirectory(At("rootfs/bin")).FullName;
        File.WriteAllBytes(Path.Combine(root, "tool"), Samples.Elf(9000, 1));
        File.SetUnixFileMode(Path.Combine(root, "tool"), (UnixFileMode)0x1ED);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Build_inspect_and_verify_work_together()
    {
        var built = await Run("image", "build", At("rootfs"), "-o", At("out.tar"), "--entry", "/bin/tool", "--entry", "x", "--name", "tool", "--counter", "7", "--jit", "--allow-env", "TERM", "--env", "A=b", "--json");
        Assert.Equal((0, 1), (built.Code, (int)JsonNode.Parse(built.Output)!["encrypted"]!));

        var inspected = JsonNode.Parse((await Run("image", "inspect", At("out.tar"), "--json")).Output)!;
        Assert.Equal("tool", (string)inspected["name"]!);
        Assert.Equal(7, (int)inspected["counter"]!);
        Assert.Equal("/bin/tool", (string)inspected["policy"]!["entryPoint"]!);
        Assert.Equal(["/bin/tool", "x"], inspected["policy"]!["arguments"]!["values"]!.AsArray().Select(item => (string)item!));
        Assert.Equal("prefix", (string)inspected["policy"]!["environment"]!["rule"]!);
        Assert.True((bool)inspected["policy"]!["jit"]!);
        Assert.False((bool)inspected["policy"]!["exec"]!);

        Assert.Equal(0, (await Run("image", "verify", At("out.tar"))).Code);
        Assert.Equal(0, (await Run("image", "verify", At("out.tar"), "--publisher", "publisher")).Code);
        Assert.Equal(1, (await Run("image", "verify", At("out.tar"), "--publisher", new string('0', 64))).Code);
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_folder), entry => entry.Contains("partial"));
    }

    [Fact]
    public async Task A_damaged_image_is_refused_in_one_line_with_exit_code_1()
    {
        Assert.Equal(0, (await Run("image", "build", At("rootfs"), "-o", At("out"), "--entry", "/bin/tool")).Code);
        using (var opened = OpenedImage.Open(At("out"), cancellation: TestContext.Current.CancellationToken))
        {
            RootFilesystemFolder.Write(opened.Content.Root, At("copy"));
        }

        Assert.Equal(0, (await Run("image", "verify", At("copy"))).Code);
        File.SetUnixFileMode(At("copy/bin/tool"), (UnixFileMode)0x1ED);
        var bytes = File.ReadAllBytes(At("copy/bin/tool"));
        bytes[5000] ^= 1;
        File.WriteAllBytes(At("copy/bin/tool"), bytes);
        var refused = await Run("image", "verify", At("copy"));
        Assert.Equal(1, refused.Code);
        Assert.Equal("blackbox: /bin/tool: block 1 has been altered", refused.Errors.Trim().Split('\n')[^1]);
    }

    [Theory]
    [InlineData(2, "image", "verify")]
    [InlineData(2, "image", "verify", "--unknown", "x")]
    [InlineData(2, "image", "verify", "missing")]
    [InlineData(2, "image", "build", "rootfs")]
    [InlineData(2, "image", "build", "rootfs", "-o", "x", "--args", "sometimes")]
    [InlineData(1, "image", "build", "missing/folder", "-o", "x")]
    [InlineData(1, "image", "build", "rootfs", "-o", "x")]
    [InlineData(1, "image", "build", "rootfs", "-o", "x", "--entry", "/bin/none")]
    [InlineData(1, "image", "build", "rootfs", "-o", "rootfs", "--entry", "/bin/tool")]
    [InlineData(1, "image", "build", "rootfs", "-o", "x", "--entry", "/bin/tool", "--key", "missing")]
    [InlineData(1, "image", "build", "rootfs", "-o", "x", "--entry", "/bin/tool", "--env", "novalue")]
    [InlineData(1, "image", "inspect", "rootfs")]
    [InlineData(1, "image", "verify", "rootfs")]
    [InlineData(1, "keys", "show", "missing")]
    public async Task Wrong_use_and_wrong_input_are_told_apart_and_leave_nothing(int code, params string[] arguments)
    {
        var before = Directory.GetFileSystemEntries(_folder).Order();
        var result = await Run(arguments);
        Assert.Equal(code, result.Code);
        Assert.Single(result.Errors.Split('\n'), line => line.StartsWith("blackbox: ", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFileSystemEntries(_folder).Where(entry => !entry.EndsWith("keys", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public async Task A_good_image_stays_when_the_next_build_fails()
    {
        Assert.Equal(0, (await Run("image", "build", At("rootfs"), "-o", At("out"), "--entry", "/bin/tool")).Code);
        Assert.Equal(1, (await Run("image", "build", At("rootfs"), "-o", At("out"), "--entry", "/bin/none")).Code);
        Assert.Equal(0, (await Run("image", "verify", At("out"))).Code);
    }

    private string At(string name) => Path.Combine(_folder, name);

    private async Task<(int Code, string Output, string Errors)> Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "blackbox.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        start.Environment["BLACKBOX_KEYS"] = At("keys");
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, errors);
    }
}
