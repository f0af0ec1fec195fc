using System;

namespace BlackBox.Shield;

/// <summary>
/// Which versions of images the owner of the machine still accepts: words of the kernel's command line of the form
/// <c>blackbox.images=PUBLISHER:NAME:COUNTER[,...]</c>; PUBLISHER is the SHA-256 of the publisher's key, or its first 8 bytes or more, in lower-case hexadecimal.
/// The monitor keeps the command line behind the shield's image. Where a TPM remembers the boot manifest's counter, nobody can go back
/// to an older list (docs/boot.md).
/// </summary>
internal static class ImageVersions
{
    private const int LeastPublisherDigits = 16;
    private const int MaxCounterDigits = 19;

    private static ReadOnlySpan<byte> Word => "blackbox.images="u8;

    /// <summary>The least counter that the image may have, 0 without an item for it. An item that is malformed is one for every image, and accepts none.</summary>
    /// <param name="commandLine">up to its first zero</param>
    /// <param name="publisher">SHA-256 of the publisher's key</param>
    public static ulong Least(ReadOnlySpan<byte> commandLine, ReadOnlySpan<byte> publisher, ReadOnlySpan<byte> name)
    {
        ulong least = 0;
        ReadOnlySpan<byte> rest = TakeTo(ref commandLine, 0);
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> word = TakeTo(ref rest, (byte)' ');
            if (word.StartsWith(Word))
            {
                ReadOnlySpan<byte> items = word[Word.Length..];
                do
                {
                    least = Math.Max(least, LeastOf(TakeTo(ref items, (byte)','), publisher, name));
                }
                while (items.Length > 0);
            }
        }

        return least;
    }

    private static ulong LeastOf(ReadOnlySpan<byte> item, ReadOnlySpan<byte> publisher, ReadOnlySpan<byte> name)
    {
        // The name may hold colons.
        ReadOnlySpan<byte> digits = TakeTo(ref item, (byte)':');
        int last = item.LastIndexOf((byte)':');
        if (last < 1 || !TryReadCounter(item[(last + 1)..], out ulong counter) || digits.Length < LeastPublisherDigits || digits.Length > 2 * publisher.Length)
        {
            return ulong.MaxValue;
        }

        bool isPublisher = true;
        for (int i = 0; i < digits.Length; i++)
        {
            int value = "0123456789abcdef"u8.IndexOf(digits[i]);
            if (value < 0)
            {
                return ulong.MaxValue;
            }

            isPublisher &= value == (publisher[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15);
        }

        return isPublisher && item[..last].SequenceEqual(name) ? counter : 0;
    }

    private static bool TryReadCounter(ReadOnlySpan<byte> digits, out ulong counter)
    {
        counter = 0;
        for (int i = 0; i < digits.Length; i++)
        {
            if (digits[i] is < (byte)'0' or > (byte)'9')
            {
                return false;
            }

            counter = (counter * 10) + (ulong)(digits[i] - '0');
        }

        return digits.Length is > 0 and <= MaxCounterDigits;
    }

    /// <summary>What stands before the separator, which is taken as well.</summary>
    private static ReadOnlySpan<byte> TakeTo(ref ReadOnlySpan<byte> text, byte separator)
    {
        int end = text.IndexOf(separator);
        ReadOnlySpan<byte> taken = end < 0 ? text : text[..end];
        text = end < 0 ? default : text[(end + 1)..];
        return taken;
    }
}
