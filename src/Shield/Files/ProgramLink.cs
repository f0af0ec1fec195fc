using System;

namespace BlackBox.Shield;

/// <summary>
/// /proc/self/exe: the program of the calling process as the shield knows it, to be read, opened and executed. What the OS would show is its
/// own word.
/// </summary>
internal static class ProgramLink
{
    /// <summary>readlinkat.</summary>
    public static long Read(ref Thread thread, ref CallArguments a)
    {
        long result = PathWork.Read(ref thread, a[0], a[1], follow: false, out PathWork path);
        if (result < 0)
        {
            return result;
        }

        bool own = IsName(ref thread, path.Canonical) && HasProgram(ref thread, out _);
        path.Free();
        return own ? ReadOwn(ref thread, a[2], (int)a[3]) : Forwarder.Forward(ref thread, Sys.readlinkat, ref a, CallTable.Get((uint)Sys.readlinkat));
    }

    /// <summary>
    /// For a resolved path of <paramref name="length"/> bytes (negative: an error): if it is the link, puts the program in its place. Returns the
    /// length of what then stands in <paramref name="canonical"/>.
    /// </summary>
    public static long Follow(ref Thread thread, long length, Span<byte> canonical, ref int record)
    {
        if (length <= 0 || record >= 0 || !IsName(ref thread, canonical[..(int)length]) || !HasProgram(ref thread, out int program))
        {
            return length;
        }

        int followed = ProtectedFiles.CopyPath(program, canonical);
        record = followed > 0 ? program : record;
        return followed > 0 ? followed : length;
    }

    private static bool IsName(ref Thread thread, ReadOnlySpan<byte> path) => ProcessViews.Entry(ref thread, path).SequenceEqual("exe"u8);

    /// <summary>The record of the program; before the first one has started there is none.</summary>
    private static bool HasProgram(ref Thread thread, out int record)
    {
        Handle<AddressSpace> space = Pool<Process>.Get(thread.Process).Memory;
        record = space.IsNull ? -1 : Pool<AddressSpace>.Get(space).Program - 1;
        return record >= 0;
    }

    private static long ReadOwn(ref Thread thread, ulong to, int bytes)
    {
        if (bytes <= 0)
        {
            return -Errno.EINVAL;
        }

        _ = HasProgram(ref thread, out int record);
        Span<byte> text = stackalloc byte[PathWork.MaxPath];
        int length = Math.Min(ProtectedFiles.CopyPath(record, text), bytes);
        return UserMemory.TryWrite(ref thread, to, text[..length]) ? length : -Errno.EFAULT;
    }
}
