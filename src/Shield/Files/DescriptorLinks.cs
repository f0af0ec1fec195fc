using System;

namespace BlackBox.Shield;

/// <summary>Paths that name a descriptor of the calling process: /dev/fd/N, /proc/self/fd/N, /dev/stdin ...</summary>
internal static class DescriptorLinks
{
    public static bool TryParse(ref Thread thread, ReadOnlySpan<byte> path, out ulong descriptor)
    {
        descriptor = 0;
        if (path.SequenceEqual("/dev/stdin"u8))
        {
            return true;
        }

        if (path.SequenceEqual("/dev/stdout"u8) || path.SequenceEqual("/dev/stderr"u8))
        {
            descriptor = path[^1] == (byte)'t' ? 1UL : 2UL;
            return true;
        }

        ReadOnlySpan<byte> rest;
        if (path.StartsWith("/dev/fd/"u8))
        {
            rest = path["/dev/fd/"u8.Length..];
        }
        else if (path.StartsWith("/proc/self/fd/"u8))
        {
            rest = path["/proc/self/fd/"u8.Length..];
        }
        else if (path.StartsWith("/proc/thread-self/fd/"u8))
        {
            rest = path["/proc/thread-self/fd/"u8.Length..];
        }
        else if (path.StartsWith("/proc/"u8))
        {
            rest = path["/proc/"u8.Length..];
            int slash = rest.IndexOf((byte)'/');
            if (slash <= 0 || !TryNumber(rest[..slash], out ulong process) || process != (ulong)Pool<Process>.Get(thread.Process).Pid
                || !rest[slash..].StartsWith("/fd/"u8))
            {
                return false;
            }

            rest = rest[(slash + "/fd/"u8.Length)..];
        }
        else
        {
            return false;
        }

        return TryNumber(rest, out descriptor);
    }

    internal static bool TryNumber(ReadOnlySpan<byte> text, out ulong value)
    {
        const int MaxDigits = 9;
        value = 0;
        if (text.IsEmpty || text.Length > MaxDigits)
        {
            return false;
        }

        foreach (byte digit in text)
        {
            if (digit is < (byte)'0' or > (byte)'9')
            {
                return false;
            }

            value = (value * 10) + (ulong)(digit - '0');
        }

        return true;
    }
}
