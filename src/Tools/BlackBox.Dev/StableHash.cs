namespace BlackBox.Dev;

/// <summary>Hashes that are the same in every process, as <see cref="HashCode"/>'s and <see cref="string.GetHashCode()"/>'s are not: what is kept of a fuzzer's
/// run depends on them, and a run must be repeatable from its seed (FNV-1a, with a last mixing step for the low bits).</summary>
internal static class StableHash
{
    private const ulong Basis = 0xcbf2_9ce4_8422_2325;
    private const ulong Prime = 0x100_0000_01b3;

    public static int Of(params ReadOnlySpan<long> values)
    {
        ulong hash = Basis;
        foreach (long value in values)
        {
            hash = (hash ^ (ulong)value) * Prime;
            hash ^= hash >> 29;
        }

        return Finish(hash);
    }

    public static int Of(string text)
    {
        ulong hash = Basis;
        foreach (char character in text)
        {
            hash = (hash ^ character) * Prime;
        }

        return Finish(hash);
    }

    private static int Finish(ulong hash) => (int)((hash ^ (hash >> 32)) * 0x9e37_79b9 >> 16);
}
