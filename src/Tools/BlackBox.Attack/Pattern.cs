using System.Runtime.InteropServices;

namespace BlackBox.Attacks;

/// <summary>The victims' pattern, as the host looks for it: each word is the one before times a constant plus a step.</summary>
internal static class Pattern
{
    private const ulong Factor = 6364136223846793005;

    /// <summary>Step of a salt; see tests/Attacks/Victims/victim.c.</summary>
    public static ulong Step(int salt) => unchecked(0x9E37_79B9_7F4A_7C15UL * (ulong)salt) | 1;

    /// <summary>Are there two words in a row of the pattern?</summary>
    public static bool IsIn(IReadOnlyList<ulong> words, int salt)
    {
        var step = Step(salt);
        return words.Zip(words.Skip(1)).Any(pair => pair.First != 0 && pair.Second == unchecked((pair.First * Factor) + step));
    }

    /// <summary>Runs of three words or more in memory, at most one a frame; <paramref name="isCounted"/> says which frames count.</summary>
    public static int Count(ReadOnlySpan<byte> memory, int salt, Func<int, bool> isCounted)
    {
        var step = Step(salt);
        var words = MemoryMarshal.Cast<byte, ulong>(memory);
        var found = 0;
        for (var frame = 0; frame < words.Length / 512; frame++)
        {
            var page = words.Slice(frame * 512, 512);
            for (var i = 0; i + 2 < page.Length; i++)
            {
                if (page[i + 1] == unchecked((page[i] * Factor) + step) && page[i + 2] == unchecked((page[i + 1] * Factor) + step))
                {
                    found += isCounted(frame) ? 1 : 0;
                    break;
                }
            }
        }

        return found;
    }
}
