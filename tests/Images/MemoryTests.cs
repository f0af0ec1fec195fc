using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace BlackBox.Images.Tests;

/// <summary>Building streams: memory does not grow with the image.</summary>
[Collection(AloneCollection.Name)]
public sealed partial class MemoryTests(ITestOutputHelper output)
{
    private const long FileLength = 500L << 20;
    private const int Files = 6;
    private const long MostMemory = 200L << 20;

    /// <summary>An image of three gigabytes, built as users build it; what the process ever had in memory counts, libraries and runtime included.</summary>
    [Fact]
    public async Task An_image_of_several_GiB_is_built_in_less_than_200_MiB()
    {
        var folder = Directory.CreateTempSubdirectory("blackbox-memory-test-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "root/bin"));
            File.WriteAllBytes(Path.Combine(folder, "root/bin/tool"), Samples.Elf(9000, 1));
            File.SetUnixFileMode(Path.Combine(folder, "root/bin/tool"), (UnixFileMode)0x1ED);
            for (var i = 0; i < Files; i++)
            {
                using var file = File.Create(Path.Combine(folder, $"root/data{i}"));
                file.SetLength(FileLength);    // without blocks on the disk
            }

            var target = Path.Combine(folder, "out.tar");
            var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
                ["exec", Path.Combine(AppContext.BaseDirectory, "blackbox.dll"), "image", "build", Path.Combine(folder, "root"), "-o", target, "--entry", "/bin/tool"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["BLACKBOX_KEYS"] = Path.Combine(folder, "keys");
            foreach (var (name, value) in LauncherSettings())
            {
                start.Environment[name] = value;
            }

            using var process = Process.Start(start)!;
            var said = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            long peak = 0;
            while (!process.WaitForExit(20))
            {
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
                peak = Math.Max(peak, PeakOf(process.Id));
            }

            Assert.True(process.ExitCode == 0, await errors);
            _ = await said;
            output.WriteLine($"{new FileInfo(target).Length >> 20} MiB of image, {peak >> 20} MiB of memory");
            Assert.InRange(new FileInfo(target).Length, Files * FileLength, long.MaxValue);
            Assert.InRange(peak, 1 << 20, MostMemory);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>What the launcher tells the runtime when it builds an image.</summary>
    private static IEnumerable<(string Name, string Value)> LauncherSettings()
    {
        var root = typeof(MemoryTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "RepositoryRoot").Value!;
        var line = File.ReadLines(Path.Combine(root, "blackbox")).Single(line => line.Contains("export DOTNET_GC", StringComparison.Ordinal));
        return Setting().Matches(line).Select(match => (match.Groups["name"].Value, match.Groups["value"].Value));
    }

    /// <summary>Most bytes that were resident at a time (VmHWM, proc(5)); 0: it has ended.</summary>
    private static long PeakOf(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    [GeneratedRegex(@"(?<name>DOTNET_\w+)=(?<value>\w+)")]
    private static partial Regex Setting();
}

/// <summary>Tests that measure: none other runs meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
