using System.Globalization;
using System.Text;

namespace BlackBox.Abi.Generator;

/// <summary>Spelling of names and numbers in the output languages.</summary>
internal static class Names
{
    /// <summary>"bufferAddress" to "BufferAddress".</summary>
    public static string Pascal(string name) => char.ToUpperInvariant(name[0]) + name[1..];

    /// <summary>"BufferAddress" to "buffer_address".</summary>
    public static string Snake(string name)
    {
        StringBuilder result = new();
        for (int i = 0; i < name.Length; i++)
        {
            if (char.IsAsciiLetterUpper(name[i]) && i > 0 && !char.IsAsciiLetterUpper(name[i - 1]))
                result.Append('_');
            result.Append(char.ToLowerInvariant(name[i]));
        }
        return result.ToString();
    }

    /// <summary>"BufferAddress" to "BUFFER_ADDRESS".</summary>
    public static string Upper(string name) => Snake(name).ToUpperInvariant();

    public static ulong ParseNumber(string text) =>
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.Parse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : ulong.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    public static int SizeOf(string type) => type switch
    {
        "u8" or "s8" => 1,
        "u16" or "s16" => 2,
        "u32" or "s32" => 4,
        "u64" or "s64" => 8,
        _ => 0,
    };

    public static string CSharpType(string type) => type switch
    {
        "u8" => "byte",
        "s8" => "sbyte",
        "u16" => "ushort",
        "s16" => "short",
        "u32" => "uint",
        "s32" => "int",
        "u64" => "ulong",
        "s64" => "long",
        _ => type,
    };

    public static string CType(string type) => SizeOf(type) != 0 ? "__" + type : "struct bb_" + Snake(type);

    public static string Xml(string text) => text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");
}
