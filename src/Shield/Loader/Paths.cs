using System;

namespace BlackBox.Shield;

/// <summary>
/// Resolution of absolute paths by the signed file table alone: `.`, `..`, repeated slashes, the image's directories and symbolic links.
/// What the OS would say of them is never asked.
/// </summary>
internal static class Paths
{
    /// <summary>PATH_MAX without its NUL.</summary>
    public const int Longest = 4095;

    /// <summary>Links followed at most, as in Linux (MAXSYMLINKS).</summary>
    private const int MaxLinks = 40;

    /// <summary>NAME_MAX.</summary>
    private const int LongestName = 255;

    /// <summary>
    /// Resolves <paramref name="path"/> (absolute) into <paramref name="canonical"/>. Returns its length, or -ENAMETOOLONG, -ELOOP, -ENOTDIR
    /// (a listed file in the place of a directory), -ENOENT (empty, relative, or through a directory that is not listed), -EIO (the table is
    /// damaged). At and below the paths that are outside of the image nothing is known: what is named there is walked through as if it existed.
    /// <paramref name="record"/>: the file table's record of the result, -1 if it has none.
    /// <paramref name="follow"/>: whether a link in the last place is followed. May call the OS for pages of the table.
    /// </summary>
    public static long Resolve(ref Thread thread, ReadOnlySpan<byte> path, Span<byte> canonical, bool follow, out int record)
    {
        record = -1;
        if (path.Length == 0 || path[0] != (byte)'/')
        {
            return -Errno.ENOENT;
        }

        if (path.Length > Longest)
        {
            return -Errno.ENAMETOOLONG;
        }

        // What is left to walk stands at the end of this buffer; a link's target is put in front of it.
        Span<byte> rest = stackalloc byte[2 * (Longest + 1)];
        int at = rest.Length - path.Length;
        path.CopyTo(rest[at..]);
        int length = 0;
        int links = 0;

        // Bytes of the prefix at which the walk left the image; 0: it is inside.
        int outside = 0;
        while (true)
        {
            while (at < rest.Length && rest[at] == (byte)'/')
            {
                at++;
            }

            if (at == rest.Length)
            {
                break;
            }

            int end = at;
            while (end < rest.Length && rest[end] != (byte)'/')
            {
                end++;
            }

            ReadOnlySpan<byte> name = rest[at..end];
            bool last = IsOnlySlashes(rest[end..]);
            at = end;
            if (name.Length == 1 && name[0] == (byte)'.')
            {
                continue;
            }

            if (name.Length == 2 && name[0] == (byte)'.' && name[1] == (byte)'.')
            {
                length = Parent(canonical[..length]);
                outside = length < outside ? 0 : outside;
                continue;
            }

            if (name.Length > LongestName || length + 1 + name.Length > Math.Min(canonical.Length, Longest))
            {
                return -Errno.ENAMETOOLONG;
            }

            int before = length;
            canonical[length] = (byte)'/';
            name.CopyTo(canonical[(length + 1)..]);
            length += 1 + name.Length;
            if (outside != 0)
            {
                continue;
            }

            int found = FileTable.Find(ref thread, canonical[..length]);
            if (found == FileTable.Damaged)
            {
                return -Errno.EIO;
            }

            if (found < 0)
            {
                outside = OutsidePaths.Covers(canonical[..length]) ? length : 0;
                if (outside == 0 && !last)
                {
                    return -Errno.ENOENT;
                }

                continue;
            }

            if (FileTable.Record(found).IsDirectory)
            {
                continue;
            }

            if (!FileTable.Record(found).IsLink)
            {
                if (end != rest.Length)
                {
                    return -Errno.ENOTDIR;
                }

                continue;
            }

            if (last && !follow && end == rest.Length)
            {
                continue;
            }

            if (++links > MaxLinks)
            {
                return -Errno.ELOOP;
            }

            int bytes = (int)FileTable.Record(found).Length;
            if (bytes > at)
            {
                return -Errno.ENAMETOOLONG;
            }

            at -= bytes;
            Span<byte> target = rest.Slice(at, bytes);
            if (!FileTable.TryCopyStrings(ref thread, FileTable.Record(found).Offset, target))
            {
                return -Errno.EIO;
            }

            length = target[0] == (byte)'/' ? 0 : before;
        }

        if (length == 0)
        {
            canonical[0] = (byte)'/';
            length = 1;
        }

        record = outside != 0 ? FileTable.NotListed : FileTable.Find(ref thread, canonical[..length]);
        return record == FileTable.Damaged ? -Errno.EIO : length;
    }

    private static int Parent(ReadOnlySpan<byte> path)
    {
        int at = path.Length;
        while (at > 0 && path[at - 1] != (byte)'/')
        {
            at--;
        }

        return Math.Max(at - 1, 0);
    }

    private static bool IsOnlySlashes(ReadOnlySpan<byte> text)
    {
        foreach (byte character in text)
        {
            if (character != (byte)'/')
            {
                return false;
            }
        }

        return true;
    }
}
