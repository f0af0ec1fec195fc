namespace BlackBox.Shield;

/// <summary>Building blocks of handlers: one structure in, out, or both ways. The only success of such a call is 0.</summary>
internal static class PlainCall
{
    /// <summary>
    /// Forwards the arguments up to <paramref name="index"/>, this last one replaced by a copy of <paramref name="bytes"/> bytes.
    /// </summary>
    public static long In(ref Thread thread, Sys number, ref CallArguments arguments, int index, int bytes) =>
        Both(ref thread, number, ref arguments, index, bytes, copyIn: true, copyOut: false);

    public static long Out(ref Thread thread, Sys number, ref CallArguments arguments, int index, int bytes) =>
        Both(ref thread, number, ref arguments, index, bytes, copyIn: false, copyOut: true);

    public static long InOut(ref Thread thread, Sys number, ref CallArguments arguments, int index, int bytes) =>
        Both(ref thread, number, ref arguments, index, bytes, copyIn: true, copyOut: true);

    /// <summary>Forwards all six arguments as numbers.</summary>
    public static long Values(ref Thread thread, Sys number, ref CallArguments a) =>
        Checked(Gate.Call(ref thread, number, a[0], a[1], a[2], a[3], a[4], a[5]));

    /// <summary>Forwards the first <paramref name="count"/> arguments, zero for the others.</summary>
    public static long Values(ref Thread thread, Sys number, ref CallArguments a, int count)
    {
        CallArguments os = default;
        for (int i = 0; i < count; i++)
        {
            os[i] = a[i];
        }

        return Values(ref thread, number, ref os);
    }

    /// <summary>A raw result as a program may see it: what is neither error nor plausible number becomes EIO.</summary>
    public static long Checked(long result) => result < -Errno.Max ? Lie() : result;

    /// <summary>As above, of a call whose only success is 0.</summary>
    public static long CheckedZero(long result) => result is < -Errno.Max or > 0 ? Lie() : result;

    /// <summary>The answer to a program when the OS has answered what cannot be; counted.</summary>
    public static long Lie()
    {
        Descriptors.Lies++;
        return -Errno.EIO;
    }

    private static long Both(ref Thread thread, Sys number, ref CallArguments arguments, int index, int bytes, bool copyIn, bool copyOut)
    {
        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryReserve(bytes, out int offset, out ulong osAddress))
        {
            return -Errno.ENOMEM;
        }

        if (copyIn && !buffer.TryFillFromUser(ref thread, offset, arguments[index], bytes))
        {
            return -Errno.EFAULT;
        }

        CallArguments os = default;
        for (int i = 0; i < index; i++)
        {
            os[i] = arguments[i];
        }

        os[index] = osAddress;
        long result = CheckedZero(Values(ref thread, number, ref os));
        if (result == 0 && copyOut && !buffer.CopyOutToUser(ref thread, offset, arguments[index], bytes))
        {
            return -Errno.EFAULT;
        }

        return result;
    }
}
