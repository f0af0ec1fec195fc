using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace BlackBox.Monitor.Tests;

/// <summary>Layouts that others rely on: assembly, the size of the frame.</summary>
public sealed partial class LayoutTests
{
    [Fact]
    public void Assembly_uses_the_offsets_of_the_structures()
    {
        Dictionary<string, int> expected = typeof(RegisterFile).GetFields(BindingFlags.Public | BindingFlags.Instance)
            .ToDictionary(field => "CONTEXT_" + Upper(field.Name), field => field.GetCustomAttribute<FieldOffsetAttribute>()!.Value);
        expected.Add("CONTEXT_BYTES", RegisterFile.Bytes);
        expected.Add("CONTEXT_EVENT_BITS", (int)Marshal.OffsetOf<TaskContext>(nameof(TaskContext.EventBits)));
        string file = Path.Combine(Root, "src", "Monitor", "Assembly", "context-offsets.inc");
        Dictionary<string, int> actual = File.ReadLines(file).Select(line => Equate().Match(line)).Where(match => match.Success)
            .ToDictionary(match => match.Groups[1].Value, match => int.Parse(match.Groups[2].Value[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        Assert.Equal(expected.OrderBy(pair => pair.Key, StringComparer.Ordinal), actual.OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void Structures_have_their_sizes()
    {
        Assert.Equal(RegisterFile.Bytes, Unsafe.SizeOf<RegisterFile>());
        Assert.Equal(4096, Unsafe.SizeOf<TaskContext>());
        Assert.Equal((int)Enclave.Bytes, Unsafe.SizeOf<Enclave>());
        Assert.Equal((int)TaskSlot.Bytes, Unsafe.SizeOf<TaskSlot>());
        Assert.Equal((int)CpuRecord.Bytes, Unsafe.SizeOf<CpuRecord>());
    }

    private static string Root => typeof(LayoutTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "RepositoryRoot").Value!;

    private static string Upper(string name)
    {
        var text = new StringBuilder();
        foreach (char c in name)
        {
            if (char.IsUpper(c) && text.Length > 0)
            {
                text.Append('_');
            }

            text.Append(char.ToUpperInvariant(c));
        }

        return text.ToString();
    }

    [GeneratedRegex(@"\.equ\s+(CONTEXT_\w+),\s*(0x[0-9a-f]+)")]
    private static partial Regex Equate();
}
