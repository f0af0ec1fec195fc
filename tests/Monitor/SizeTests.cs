using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace BlackBox.Monitor.Tests;

/// <summary>The monitor stays small enough to be read: lines that are neither blank nor comment, by part. What runs only before Linux
/// does stands in src/Monitor/Boot and src/Monitor/Uefi; cryptography is counted by nobody here.</summary>
public sealed partial class SizeTests(ITestOutputHelper output)
{
    private static readonly string Root = typeof(SizeTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "RepositoryRoot").Value!;

    [Fact]
    public void Ownership_core_is_at_most_1500_lines() =>
        Check(1500, Count("*.cs", "src/Monitor/Memory", "src/Monitor/Enclaves", "src/Monitor/Tasks"));

    [Fact]
    public void Resident_code_is_at_most_4000_lines() =>
        Check(4000, Count("*.cs",
            "src/Monitor/Addresses", "src/Monitor/Memory", "src/Monitor/Enclaves", "src/Monitor/Tasks", "src/Monitor/Hypercalls", "src/Monitor/Platform",
            "src/Monitor/WorldSwitch", "src/Monitor/Hardware", "src/Monitor/Smmu", "src/Freestanding/Portable") + Count("AbiNumbers.cs", "src/Abi/Generated"));

    [Fact]
    public void Resident_assembly_is_at_most_700_lines() =>
        Check(700, Count("*.S", "src/Monitor/Assembly", "src/Monitor/Image", "src/Freestanding/Assembly") + Count("*.inc", "src/Monitor/Assembly"));

    [Fact]
    public void Boot_code_is_at_most_2000_lines() => Check(2000, Count("*.cs", "src/Monitor/Boot", "src/Monitor/Uefi") + Count("*.S", "src/Monitor/Boot", "src/Monitor/Uefi"));

    /// <summary>A new folder must be given to one of the counts above.</summary>
    [Fact]
    public void Every_folder_is_counted() =>
        Assert.Equal(
            ["Addresses", "Assembly", "Boot", "Enclaves", "Hardware", "Hypercalls", "Image", "Memory", "Platform", "Smmu", "Tasks", "Uefi", "WorldSwitch"],
            Directory.EnumerateDirectories(Path.Combine(Root, "src", "Monitor")).Select(path => Path.GetFileName(path))
                .Where(name => name is not ("bin" or "obj" or "UefiImage")).Order(StringComparer.Ordinal));

    private int Count(string pattern, params string[] folders)
    {
        int sum = 0;
        foreach (string folder in folders)
        {
            int lines = Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
                .Sum(file => File.ReadLines(file).Count(line => !NoCode().IsMatch(line)));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{lines,6} {folder} {pattern}"));
            sum += lines;
        }

        return sum;
    }

    private void Check(int budget, int lines)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{lines,6} of {budget}"));
        Assert.InRange(lines, 1, budget);
    }

    [GeneratedRegex(@"^\s*(//.*)?$")]
    private static partial Regex NoCode();
}
