using System;

namespace BlackBox.Shield;

/// <summary>A file of the OS, held by the module's handle outside every descriptor table. What it holds is the OS's word.</summary>
internal struct OsFile
{
    private const ulong CurrentDirectory = unchecked((ulong)-100);
    private const ulong CloseOnExec = 0x8_0000;

    /// <summary>The module's handle.</summary>
    public ulong Pin;

    /// <summary>Opens for reading. Returns 0 or -errno. Calls the OS.</summary>
    public static long Open(ref Thread thread, ReadOnlySpan<byte> path, out OsFile file)
    {
        file = default;
        Span<byte> name = stackalloc byte[Paths.Longest + 1];
        path.CopyTo(name);
        name[path.Length] = 0;
        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryPut(name[..(path.Length + 1)], out ulong address))
        {
            return -Errno.ENAMETOOLONG;
        }

        long descriptor = Gate.Call(ref thread, Sys.openat, CurrentDirectory, address, CloseOnExec);
        if (descriptor < 0)
        {
            return descriptor;
        }

        // The descriptor is gone before anything else of this thread runs: it never reaches the program's table.
        long result = OfDescriptor(ref thread, descriptor, out file);
        _ = Gate.Call(ref thread, Sys.close, (ulong)descriptor);
        return result;
    }

    /// <summary>The file behind a descriptor, which stays as it is. Returns 0 or -errno. Calls the OS.</summary>
    public static long OfDescriptor(ref Thread thread, long descriptor, out OsFile file)
    {
        long pin = Gate.Service(ref thread, Service.PinFile, (ulong)descriptor);
        file = new OsFile { Pin = (ulong)Math.Max(pin, 0) };
        return pin > 0 ? 0 : pin == 0 ? -Errno.EIO : pin;
    }

    /// <summary>Fills <paramref name="to"/> from an offset. False: the file is shorter, or an error.</summary>
    public readonly bool TryRead(ref Thread thread, ulong offset, Span<byte> to)
    {
        int done = 0;
        while (done < to.Length)
        {
            int step = Math.Min(to.Length - done, thread.ServiceBytes);
            long got = Gate.Service(ref thread, Service.ReadFile, Pin, offset + (ulong)done, (ulong)step);
            if (got <= 0 || got > step)
            {
                return false;
            }

            SharedBuffer.CopyFromService(ref thread, 0, to.Slice(done, (int)got));
            done += (int)got;
        }

        return true;
    }

    /// <summary>
    /// Whether the file ends where it should: its last byte can be read and none behind it. Sizes that the OS tells are not asked for.
    /// </summary>
    public readonly bool Ends(ref Thread thread, ulong length, out bool isLonger)
    {
        isLonger = Gate.Service(ref thread, Service.ReadFile, Pin, length, 1) > 0;
        return !isLonger && (length == 0 || Gate.Service(ref thread, Service.ReadFile, Pin, length - 1, 1) == 1) && !thread.Dying;
    }

    /// <summary>Bytes that can be read, up to <paramref name="most"/>: the OS's word, a limit for an allocation and no more. -1: more than that, or an error.</summary>
    public readonly int Measure(ref Thread thread, int most)
    {
        int length = 0;
        while (true)
        {
            int step = Math.Min(most + 1 - length, thread.ServiceBytes);
            long got = Gate.Service(ref thread, Service.ReadFile, Pin, (ulong)length, (ulong)step);
            if (got == 0)
            {
                return length;
            }

            if (got < 0 || got > step || length + (int)got > most)
            {
                return -1;
            }

            length += (int)got;
        }
    }

    public readonly void Close(ref Thread thread) => _ = Gate.Service(ref thread, Service.UnpinFile, Pin);
}
