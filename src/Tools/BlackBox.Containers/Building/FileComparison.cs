namespace BlackBox.Building;

/// <summary>Where two files begin to differ.</summary>
public static class FileComparison
{
    private const int Piece = 1 << 16;

    /// <summary>Compares contents.</summary>
    /// <returns>Offset of the first byte that one has and the other has not, or has otherwise; null: they are equal.</returns>
    public static long? FirstDifference(string one, string other)
    {
        using var first = File.OpenRead(one);
        using var second = File.OpenRead(other);
        var (left, right) = (new byte[Piece], new byte[Piece]);
        for (long offset = 0; ;)
        {
            var count = first.ReadAtLeast(left, Piece, throwOnEndOfStream: false);
            var otherCount = second.ReadAtLeast(right, Piece, throwOnEndOfStream: false);
            var common = left.AsSpan(0, count).CommonPrefixLength(right.AsSpan(0, otherCount));
            offset += common;
            if (common < Math.Max(count, otherCount))
            {
                return offset;
            }

            if (count < Piece)
            {
                return null;
            }
        }
    }
}
