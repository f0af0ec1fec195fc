using System;

namespace BlackBox.Shield;

/// <summary>Whose a path is.</summary>
internal enum PathPlace
{
    /// <summary>The OS's: a writable or clear path, or relative to a directory that the shield does not know.</summary>
    Outside,

    /// <summary>The image's: the table has a record of it.</summary>
    Listed,

    /// <summary>The image's, which has no such file.</summary>
    Missing,
}

/// <summary>
/// A path of a call: the program's text, copied once, and the canonical path that the signed table makes of it. It stands in frames
/// of its own, not on the small kernel stack. Freed with <see cref="Free"/> on every way out.
/// </summary>
internal struct PathWork
{
    public const int MaxPath = 4096;
    public const ulong CurrentDirectory = unchecked((ulong)-100);

    /// <summary>Text, canonical path, and twice the length for joining.</summary>
    private const int Order = 2;

    private FrameAddress block;
    private int length;
    private int canonicalLength;

    /// <summary>Record in the file table, -1 if there is none.</summary>
    public int Record { get; private set; }

    /// <summary>The path as the program wrote it.</summary>
    public readonly ReadOnlySpan<byte> Text => Area(0, length);

    /// <summary>Absolute path without links that the image has; empty if it is not known (relative to a directory that is not).</summary>
    public readonly ReadOnlySpan<byte> Canonical => Area(MaxPath, canonicalLength);

    public readonly PathPlace Place => Record >= 0 ? PathPlace.Listed
        : canonicalLength == 0 || OutsidePaths.Covers(Canonical) ? PathPlace.Outside : PathPlace.Missing;

    /// <summary>
    /// Copies and resolves a path. <paramref name="directory"/>: descriptor or AT_FDCWD; <paramref name="follow"/>: a link in the last place
    /// is followed. Returns 0 or -EFAULT, -ENAMETOOLONG, -ELOOP, -ENOMEM, and inside of the image -ENOENT, -ENOTDIR, -EIO.
    /// </summary>
    public static long Read(ref Thread thread, ulong directory, ulong address, bool follow, out PathWork work)
    {
        work = default;
        work.Record = -1;
        if (!Frames.Reserve(ref thread, 1 << Order) || !Frames.TryAllocateContiguous(Order, out work.block))
        {
            return -Errno.ENOMEM;
        }

        long result = UserMemory.TryReadString(ref thread, address, work.Area(0, MaxPath), out long length) ? 0 : length;
        work.length = (int)Math.Max(length, 0);
        if (result == 0)
        {
            result = work.Resolve(ref thread, directory, follow);
        }

        if (result < 0)
        {
            work.Free();
        }

        return result;
    }

    public void Free()
    {
        if (!block.IsNull)
        {
            Frames.Free(block, Order);
            block = default;
        }
    }

    /// <summary>Puts the canonical path with its NUL into the buffer.</summary>
    public readonly bool TryPutCanonical(ref SharedBuffer buffer, out ulong osAddress)
    {
        Area(MaxPath, MaxPath)[canonicalLength] = 0;
        return buffer.TryPut(Area(MaxPath, canonicalLength + 1), out osAddress);
    }

    /// <summary>Makes it the path of a listed file, as if it had been written so.</summary>
    public void Replace(ReadOnlySpan<byte> canonical, int record)
    {
        canonical.CopyTo(Area(MaxPath, MaxPath));
        canonicalLength = canonical.Length;
        Record = record;
    }

    /// <summary>Puts the program's text with its NUL into the buffer.</summary>
    public readonly bool TryPutText(ref SharedBuffer buffer, out ulong osAddress) => buffer.TryPut(Area(0, length + 1), out osAddress);

    private readonly Span<byte> Area(int start, int bytes) => Hardware.Memory(block.Value + (ulong)start, bytes);

    private long Resolve(ref Thread thread, ulong directory, bool follow)
    {
        if (length == 0)
        {
            return 0;
        }

        ReadOnlySpan<byte> absolute = Text;
        if (absolute[0] != (byte)'/')
        {
            Span<byte> joined = Area(2 * MaxPath, 2 * MaxPath);
            int at = FileSystems.CopyDirectory(ref thread, directory, joined[..MaxPath]);
            if (at < 0)
            {
                return 0;
            }

            joined[at] = (byte)'/';
            Text.CopyTo(joined[(at + 1)..]);
            absolute = joined[..(at + 1 + length)];
        }

        bool fromOutside = absolute.Length != length && OutsidePaths.Covers(absolute[..^(length + 1)]);
        long result = Paths.Resolve(ref thread, absolute, Area(MaxPath, MaxPath), follow, out int record);
        if (result < 0)
        {
            // Longer than the shield resolves, by way of a long working directory outside: then it is not one of the image's.
            return FileTable.Count == 0 ? (result == -Errno.ELOOP ? result : 0)
                : result == -Errno.ENAMETOOLONG && fromOutside ? 0 : result;
        }

        if (follow)
        {
            result = ProgramLink.Follow(ref thread, result, Area(MaxPath, MaxPath), ref record);
        }

        canonicalLength = (int)result;
        Record = record;
        return 0;
    }
}
