namespace BlackBox.Attacks;

/// <summary>Shell functions for changes of an image.</summary>
internal static class ImageChange
{
    /// <summary>flip FILE OFFSET MASK: inverts bits of one byte.</summary>
    public const string Flip = """
        flip() {
            b=$(dd if="$1" bs=1 skip="$2" count=1 2>/dev/null | od -An -tu1 | tr -d ' ')
            [ -n "$b" ] && printf "\\$(printf %03o $((b ^ $3)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
            return 0
        }

        """;
}
