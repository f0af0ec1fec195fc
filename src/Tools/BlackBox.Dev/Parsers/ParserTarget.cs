namespace BlackBox.Dev.Parsers;

/// <summary>A parser of untrusted bytes, or several of the same format.</summary>
internal abstract class ParserTarget
{
    public abstract string Name { get; }

    /// <summary>Inputs that the parser accepts.</summary>
    public abstract IReadOnlyList<byte[]> Samples { get; }

    /// <summary>Parses, and uses what was accepted. May change the input.</summary>
    /// <returns>how far it came: another number, another way through the parser</returns>
    /// <exception cref="Fuzzing.FuzzException">It accepted what it must not. Any other exception is a failure too.</exception>
    public abstract int Parse(byte[] input);

    protected static void Require(bool condition, string text)
    {
        if (!condition)
        {
            throw new Fuzzing.FuzzException(text);
        }
    }
}

/// <summary>All of them.</summary>
internal static class ParserTargets
{
    public static string[] Names { get; } = ["dtb", "elf", "manifest"];

    public static ParserTarget Create(string name) => name switch
    {
        "dtb" => new DeviceTreeTarget(),
        "elf" => new ElfTarget(),
        _ => new ImageTarget(),
    };
}
