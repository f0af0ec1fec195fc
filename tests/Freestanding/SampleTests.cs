using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace BlackBox.Freestanding.Tests;

/// <summary>The core library, the compiler and the link, tried where they have to work: at EL2 without an operating system.</summary>
public sealed class SampleTests
{
    private const string Accepted = ".bin: ";

    // The sample takes a second, a build three; the limit is for machines that do much else.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private static string Metadata(string key) => typeof(SampleTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == key).Value!;

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardInput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(Limit);
        try
        {
            Task<string> errors = process.StandardError.ReadToEndAsync(timeout.Token);
            string output = await process.StandardOutput.ReadToEndAsync(timeout.Token);
            await process.WaitForExitAsync(timeout.Token);
            return output + await errors;
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    [Fact]
    public async Task SampleRunsAtExceptionLevelTwoAndPanicsWithTheRightPlace()
    {
        string image = Path.Combine(Metadata("ImagesPath"), "freestanding-sample");
        string console = await RunAsync("qemu-system-aarch64", "-machine", "virt,virtualization=on,gic-version=3", "-cpu", "neoverse-n1",
            "-display", "none", "-serial", "stdio", "-monitor", "none", "-nic", "none", "-kernel", image + ".bin");
        string[] lines = console.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

        Assert.DoesNotContain(lines, line => line.StartsWith("FAIL", StringComparison.Ordinal));
        Assert.True(lines.Count(line => line.StartsWith("ok ", StringComparison.Ordinal)) >= 20, console);
        string panic = lines[^1];
        Assert.StartsWith("panic: index out of range 0x", panic);

        string[] addresses = [.. panic.Split(' ').Where(word => word.StartsWith("0x", StringComparison.Ordinal))];
        string places = await RunAsync(Path.Combine(Metadata("RepositoryRoot"), "build", "symbolize"), [image + ".elf", .. addresses]);
        Assert.Matches(@"Sample__Main at .*Sample\.Unsafe\.cs:\d+", places);
    }

    [Theory]
    [InlineData("Keeper.Sink++;", Accepted)]
    [InlineData("Keeper.Kept = new Keeper();", "RhpNewFast")]
    [InlineData("Keeper.Use(new int[argument]);", "RhpNewArrayFast")]
    [InlineData("Keeper.Boxed(argument);", "RhpNewFast")]
    [InlineData("Keeper.Sink = Late.Value;", "static initialisers need run-time code")]
    [InlineData("Keeper.Sink += (ulong)((double)argument * 1.5);", "vector registers")]
    public Task ProgramIsRefusedByTheLinkIfItNeedsARuntime(string statement, string complaint) =>
        BuildAsync(statement, complaint, complaint == Accepted, analyzed: false);

    [Theory]
    [InlineData("Keeper.Sink += Keeper.Constants[argument & 1] + Words[(int)argument];", Accepted)]
    [InlineData("Keeper local = new(); Keeper.Sink += local.Value;", "BBX1001")]
    [InlineData("Keeper.Use([1, 2]);", "BBX1001")]
    [InlineData("object boxed = argument; Keeper.Boxed(boxed);", "BBX1001")]
    [InlineData("Keeper.Named(Keeper.Name + \"!\");", "BBX1001")]
    [InlineData("throw new System.Exception();", "BBX1002")]
    [InlineData("try { Keeper.Sink = 1; } catch { Keeper.Sink = 2; }", "BBX1002")]
    [InlineData("unsafe { Keeper.Sink = *(ulong*)argument; }", "BBX1003")]
    public Task ProgramIsRefusedByTheAnalyzerIfItLeavesTheSubset(string statement, string complaint) =>
        BuildAsync(statement, complaint, complaint == Accepted, analyzed: true);

    private static async Task BuildAsync(string statement, string complaint, bool accepted, bool analyzed)
    {
        string root = Metadata("RepositoryRoot");
        string folder = Path.Combine(root, "artifacts", "refused", Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(statement + analyzed)))[..16], "Image");
        Directory.CreateDirectory(folder);
        string name = "Refused" + Path.GetFileName(Path.GetDirectoryName(folder)) + ".Image";
        string sources = Path.Combine(root, "tests", "Freestanding");
        File.Copy(Path.Combine(sources, "Image", "sample.ld"), Path.Combine(folder, "sample.ld"), overwrite: true);
        File.Copy(Path.Combine(sources, "Hardware", "Start.S"), Path.Combine(folder, "Start.S"), overwrite: true);
        await File.WriteAllTextAsync(Path.Combine(folder, name + ".csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <ImageName>{name}</ImageName>
                <LinkerScript>$(MSBuildProjectDirectory)/sample.ld</LinkerScript>
                <FreestandingRules>{analyzed}</FreestandingRules>
              </PropertyGroup>
            </Project>
            """, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "Frame.Unsafe.cs"), Frame, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "Refused.cs"), Program.Replace("STATEMENT", statement), TestContext.Current.CancellationToken);

        string output = await RunAsync("dotnet", "build", folder, "-clp:NoSummary");
        Assert.Contains(complaint, output);
        Assert.Equal(accepted, output.Contains($"{name}.bin: ", StringComparison.Ordinal));
    }

    // Start.S calls sample_main. The two files keep the pointers of the frame apart from the statement under test.
    private const string Frame = """
        using System.Runtime;
        using System.Runtime.CompilerServices;

        namespace Refused;

        internal static unsafe class Frame
        {
            [RuntimeExport("bb_panic")]
            private static void OnPanic(byte* text, nuint length, nuint returnAddress, nuint framePointer) { while (true) { } }

            [MethodImpl(MethodImplOptions.InternalCall)]
            [RuntimeImport("*", "sample_power_off")]
            public static extern void* Get();
        }

        internal static unsafe class Late
        {
            public static ulong Value = (ulong)(nuint)Frame.Get();
        }
        """;

    private const string Program = """
        using System;
        using System.Runtime;
        using System.Runtime.CompilerServices;

        namespace Refused;

        internal static class Program
        {
            private static ReadOnlySpan<byte> Words => [1, 2, 3];

            [RuntimeExport("sample_main")]
            private static void Main(ulong argument)
            {
                STATEMENT
            }
        }

        internal sealed class Keeper
        {
            public static readonly ulong[] Constants = [4, 5];
            public static Keeper? Kept;
            public static string? Name;
            public static ulong Sink;
            public ulong Value;

            [MethodImpl(MethodImplOptions.NoInlining)]
            public static void Use(int[] values) => Sink += (ulong)values[0];

            [MethodImpl(MethodImplOptions.NoInlining)]
            public static void Boxed(object value) => Sink += (ulong)value.GetHashCode();

            [MethodImpl(MethodImplOptions.NoInlining)]
            public static void Named(string value) => Sink += (ulong)value.Length;
        }
        """;
}
