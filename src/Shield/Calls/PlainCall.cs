namespace BlackBox.Shield;

/// <summary>Building blocks of handlers: one structure in, out, or both ways.</summary>
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
    public static long Checked(long result) => result < -Errno.Max ? -Errno.EIO : result;

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
        long result = Values(ref thread, number, ref os);
        if (result >= 0 && copyOut && !buffer.CopyOutToUser(ref thread, offset, arguments[index], bytes))
        {
            return -Errno.EFAULT;
        }

        return result;
    }
}
