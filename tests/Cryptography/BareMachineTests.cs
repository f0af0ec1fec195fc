using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace BlackBox.Cryptography.Tests;

/// <summary>
/// The library as monitor and shield use it: compiled without a runtime and started at EL2 of an emulated machine,
/// where it checks itself (see Hardware/SelfTest.Unsafe.cs) with the portable code and with the instructions.
/// </summary>
public class BareMachineTests
{
    [Fact]
    public void The_freestanding_build_passes_its_checks_at_EL2()
    {
        string image = Path.Combine(AppContext.BaseDirectory, "cryptography-test.bin");
        Assert.True(File.Exists(image), "The image has not been built.");
        string[] lines = Run(
            "qemu-system-aarch64",
            "-machine", "virt,virtualization=on,gic-version=3", "-cpu", "neoverse-n1", "-nographic", "-nic", "none",
            "-icount", "shift=0,sleep=off", "-kernel", image);
        foreach (string line in lines)
        {
            TestContext.Current.SendDiagnosticMessage(line);
        }

        Assert.DoesNotContain(lines, line => line.StartsWith("FAIL", StringComparison.Ordinal));
        Assert.Equal(28, lines.Count(line => line.StartsWith("ok ", StringComparison.Ordinal)));
        Assert.Equal("done", lines[^1]);

        // One instruction is one nanosecond here: the instructions are used, and the figures cannot creep up unseen.
        long[] blocks = [.. lines.Where(line => line.StartsWith("time AES-256-GCM, 4 KiB", StringComparison.Ordinal))
            .Select(line => long.Parse(line.Split(' ')[^2], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(2, blocks.Length);
        Assert.True(blocks[0] < 1_000_000, $"portable: {blocks[0]} instructions for 4 KiB");
        Assert.True(blocks[1] < 15_000, $"with AES instructions: {blocks[1]} instructions for 4 KiB");

        // Whatever the private key is, the same number of instructions, as exactly as the counter tells: 16.
        long[] scalars = [.. lines.Where(line => line.StartsWith("time P-384 with a secret scalar", StringComparison.Ordinal))
            .Select(line => long.Parse(line.Split(' ')[^2], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(8, scalars.Length);
        Assert.InRange(scalars.Max() - scalars.Min(), 0, 16);
        Assert.InRange(scalars.Max(), 100_000, 4_000_000);
    }

    private static string[] Run(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"{program} cannot be started ({e.Message}); package qemu-system-arm has it.");
        }

        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(120_000))
            {
                process.Kill(entireProcessTree: true);
                throw new InvalidOperationException($"{program} did not end within two minutes.");
            }

            return output.Result.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries);
        }
    }
}
