using System;

namespace BlackBox.Shield;

/// <summary>
/// Resolution of absolute paths by the signed file table alone: `.`, `..`, repeated slashes and the image's symbolic links.
/// What the OS would say of a link is never asked.
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
    /// (a listed file in the place of a directory), -ENOENT (empty or relative). Directories and unlisted files are not known here: what
    /// does not exist is walked through as if it did, which leads to no listed file that the path does not name. <paramref name="record"/>: the file table's record of the result, -1 if it has none.
    /// <paramref name="follow"/>: whether a link in the last place is followed.
    /// </summary>
    public static long Resolve(ReadOnlySpan<byte> path, Span<byte> canonical, bool follow, out int record)
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
            int found = FileTable.Find(canonical[..length]);
            if (found < 0)
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

            ReadOnlySpan<byte> target = FileTable.Target(found);
            if (target.Length > at)
            {
                return -Errno.ENAMETOOLONG;
            }

            at -= target.Length;
            target.CopyTo(rest[at..]);
            length = target[0] == (byte)'/' ? 0 : before;
        }

        if (length == 0)
        {
            canonical[0] = (byte)'/';
            length = 1;
        }

        record = FileTable.Find(canonical[..length]);
        return length;
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
