using System;

namespace BlackBox.Shield;

/// <summary>
/// Path, arguments and environment of an exec in private memory: NUL-terminated strings, one after the other, arguments first.
/// Copied once from the program (or, at the first start, from the OS) before anything is decided by them.
/// </summary>
internal struct ArgumentStrings
{
    /// <summary>Strings at most: as Linux (MAX_ARG_STRINGS), but what fits is what the block holds.</summary>
    private const int MaxStrings = 1 << 18;

    /// <summary>Bytes of one string with its NUL at most (MAX_ARG_STRLEN).</summary>
    private const int LongestString = 128 << 10;

    private PrivateBlock block;
    private int used;

    /// <summary>Bytes of the path at the start, its NUL included.</summary>
    public int PathBytes;
    public int ArgumentCount;
    public int EnvironmentCount;

    /// <summary>Offset of the first environment string.</summary>
    public int EnvironmentStart;

    /// <summary>The path as the program gave it, or what a `#!` line made of it.</summary>
    public readonly ReadOnlySpan<byte> Path => block.Bytes[..(PathBytes - 1)];

    /// <summary>All strings after the path.</summary>
    public readonly ReadOnlySpan<byte> Strings => block.Bytes[PathBytes..used];

    public readonly ReadOnlySpan<byte> Arguments => block.Bytes[PathBytes..EnvironmentStart];

    public readonly ReadOnlySpan<byte> Environment => block.Bytes[EnvironmentStart..used];

    /// <summary>An empty set with room for <paramref name="bytes"/> bytes.</summary>
    public static bool TryCreate(ref Thread thread, int bytes, out ArgumentStrings strings)
    {
        strings = default;
        return PrivateBlock.TryAllocate(ref thread, bytes, out strings.block);
    }

    /// <summary>Copies from the program's memory. Returns 0, -EFAULT, -E2BIG, -ENAMETOOLONG, -ENOENT, -ENOMEM. May call the OS.</summary>
    public static long Collect(ref Thread thread, ulong path, ulong arguments, ulong environment, out ArgumentStrings strings)
    {
        const int StartBytes = 64 << 10;
        int bytes = StartBytes;
        while (true)
        {
            if (!TryCreate(ref thread, bytes, out strings))
            {
                return -Errno.ENOMEM;
            }

            long result = strings.Fill(ref thread, path, arguments, environment);
            if (result == 0)
            {
                return 0;
            }

            strings.Free();
            if (result != -Errno.E2BIG || bytes >= PrivateBlock.MaxBytes)
            {
                return result;
            }

            bytes *= 4;
            bytes = Math.Min(bytes, PrivateBlock.MaxBytes);
        }
    }

    /// <summary>Appends one string with its NUL.</summary>
    public bool TryAppend(ReadOnlySpan<byte> text)
    {
        if (text.Length >= block.Length - used)
        {
            return false;
        }

        text.CopyTo(block.Bytes[used..]);
        block.Bytes[used + text.Length] = 0;
        used += text.Length + 1;
        return true;
    }

    public bool TryAppendPath(ReadOnlySpan<byte> path)
    {
        bool appended = TryAppend(path);
        PathBytes = used;
        EnvironmentStart = used;
        return appended;
    }

    public bool TryAppendArgument(ReadOnlySpan<byte> text)
    {
        bool appended = TryAppend(text);
        ArgumentCount += appended ? 1 : 0;
        EnvironmentStart = used;
        return appended;
    }

    public bool TryAppendEnvironment(ReadOnlySpan<byte> text)
    {
        bool appended = TryAppend(text);
        EnvironmentCount += appended ? 1 : 0;
        return appended;
    }

    public void Free() => block.Free();

    /// <summary>The next string of a list, without its NUL; the list is cut after it.</summary>
    public static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> list)
    {
        int end = list.IndexOf((byte)0);
        if (end < 0)
        {
            ReadOnlySpan<byte> all = list;
            list = default;
            return all;
        }

        ReadOnlySpan<byte> text = list[..end];
        list = list[(end + 1)..];
        return text;
    }

    private long Fill(ref Thread thread, ulong path, ulong arguments, ulong environment)
    {
        Span<byte> room = block.Bytes;
        if (!UserMemory.TryReadString(ref thread, path, room[..Math.Min(room.Length, Paths.Longest + 1)], out long length))
        {
            return length;
        }

        if (length == 0)
        {
            return -Errno.ENOENT;
        }

        used = (int)length + 1;
        PathBytes = used;
        long result = FillList(ref thread, arguments, ref ArgumentCount);
        if (result < 0)
        {
            return result;
        }

        // No program starts without argv[0] (Linux 5.18).
        if (ArgumentCount == 0 && !TryAppendArgument(default))
        {
            return -Errno.E2BIG;
        }

        EnvironmentStart = used;
        return FillList(ref thread, environment, ref EnvironmentCount);
    }

    private long FillList(ref Thread thread, ulong list, ref int count)
    {
        if (list == 0)
        {
            return 0;
        }

        while (true)
        {
            if (!UserMemory.TryRead(ref thread, list + ((ulong)count * sizeof(ulong)), out ulong address))
            {
                return -Errno.EFAULT;
            }

            if (address == 0)
            {
                return 0;
            }

            Span<byte> room = block.Bytes[used..];
            if (!UserMemory.TryReadString(ref thread, address, room[..Math.Min(room.Length, LongestString)], out long length))
            {
                return length == -Errno.ENAMETOOLONG ? -Errno.E2BIG : length;
            }

            used += (int)length + 1;
            if (++count > MaxStrings)
            {
                return -Errno.E2BIG;
            }
        }
    }
}
