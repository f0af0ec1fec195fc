using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>
/// Serves a call as its row says: copies in what the argument kinds allow, lets Linux serve it, checks that the result is
/// possible, copies out. Linux never sees an address of the program.
/// </summary>
internal static class Forwarder
{
    /// <summary>Longest path with its NUL (PATH_MAX).</summary>
    public const int MaxPath = 4096;

    /// <summary>What an argument-sized area leaves for the other arguments of the call.</summary>
    private const int Reserve = 1024;

    /// <summary>Where the pointers of a call stand in the buffer.</summary>
    private struct Areas
    {
        public Numbers Offset;
        public Numbers Bytes;

        [InlineArray(CallArguments.Count)]
        public struct Numbers
        {
            private int first;
        }
    }

    public static long Forward(ref Thread thread, Sys number, ref CallArguments arguments, CallRule rule)
    {
        // What the image holds is not the OS's to speak of.
        if (ImageCalls.TryServe(ref thread, number, ref arguments, out long served))
        {
            return served;
        }

        SharedBuffer buffer = new(ref thread);
        Areas areas = default;
        CallArguments os = default;
        for (int i = 0; i < rule.ArgumentCount; i++)
        {
            if (rule.Argument(i).Kind is ArgumentKind.Value or ArgumentKind.Descriptor)
            {
                os[i] = arguments[i];
            }
        }

        for (int i = 0; i < rule.ArgumentCount; i++)
        {
            long error = Prepare(ref thread, ref buffer, ref arguments, ref os, ref areas, rule.Argument(i), i);
            if (error != 0)
            {
                return error;
            }
        }

        long result = Gate.Call(ref thread, number, os[0], os[1], os[2], os[3], os[4], os[5]);
        return Finish(ref thread, ref buffer, ref arguments, ref areas, rule, result);
    }

    /// <summary>Copies a path in; false with EFAULT or ENAMETOOLONG in <paramref name="error"/>. Not a byte beyond its NUL goes out.</summary>
    public static bool TryPutPath(ref Thread thread, ref SharedBuffer buffer, ulong address, out ulong osAddress, out long error)
    {
        Span<byte> path = stackalloc byte[MaxPath];
        osAddress = 0;
        if (!UserMemory.TryReadString(ref thread, address, path, out error))
        {
            return false;
        }

        int length = (int)error;
        error = -Errno.ENAMETOOLONG;
        return buffer.TryPut(path[..(length + 1)], out osAddress);
    }

    private static long Prepare(
        ref Thread thread, ref SharedBuffer buffer, ref CallArguments arguments, ref CallArguments os, ref Areas areas, ArgumentRule rule, int index)
    {
        ulong address = arguments[index];
        if (rule.Kind <= ArgumentKind.Descriptor || (address == 0 && rule.IsNullable))
        {
            return 0;
        }

        if (rule.Kind == ArgumentKind.Path)
        {
            bool put = TryPutPath(ref thread, ref buffer, address, out ulong path, out long error);
            os[index] = path;
            return put ? 0 : error;
        }

        // A size given by an argument is one of Linux's size_t or int; what cannot be is cut to the buffer.
        ulong bytes = (ulong)rule.Unit;
        if (rule.SizeArgument >= 0)
        {
            ulong room = (ulong)Math.Max(0, buffer.Capacity - Reserve);
            ulong count = arguments[rule.SizeArgument];
            ulong most = room / (ulong)rule.Unit;
            if (count > most)
            {
                if (rule.Kind != ArgumentKind.Out)
                {
                    return -Errno.EINVAL;
                }

                count = most;
                os[rule.SizeArgument] = count;
            }

            bytes = count * (ulong)rule.Unit;
        }

        if (!buffer.TryReserve((int)bytes, out int offset, out ulong osAddress))
        {
            return -Errno.ENOMEM;
        }

        if (rule.Kind is ArgumentKind.In or ArgumentKind.InOut
            && !buffer.TryFillFromUser(ref thread, offset, address, (int)bytes))
        {
            return -Errno.EFAULT;
        }

        os[index] = osAddress;
        areas.Offset[index] = offset;
        areas.Bytes[index] = (int)bytes;
        return 0;
    }

    private static long Finish(
        ref Thread thread, ref SharedBuffer buffer, ref CallArguments arguments, ref Areas areas, CallRule rule, long result)
    {
        if (result < -Errno.Max || result > rule.Most(ref arguments))
        {
            // Neither an error of Linux nor a result that this call can have.
            return PlainCall.Lie();
        }

        for (int i = 0; i < rule.ArgumentCount; i++)
        {
            ArgumentRule argument = rule.Argument(i);
            int bytes = areas.Bytes[i];
            if (argument.Kind is not (ArgumentKind.Out or ArgumentKind.InOut) || bytes == 0)
            {
                continue;
            }

            switch (argument.Written)
            {
                case WrittenRule.Interrupted:
                    if (result != -Errno.EINTR)
                    {
                        continue;
                    }

                    break;
                case WrittenRule.Result:
                    if (result < 0)
                    {
                        continue;
                    }

                    if (result > bytes / argument.Unit)
                    {
                        return PlainCall.Lie();
                    }

                    bytes = (int)result * argument.Unit;
                    break;
                default:
                    if (result < 0)
                    {
                        continue;
                    }

                    break;
            }

            if (!buffer.CopyOutToUser(ref thread, areas.Offset[i], arguments[i], bytes))
            {
                return -Errno.EFAULT;
            }
        }

        return result;
    }
}
