namespace BlackBox.Monitor;

/// <summary>The monitor's own stage 1 (identity), beyond what Start.S has mapped.</summary>
public static unsafe partial class Hardware
{
    private const ulong MegabytesTwo = FrameNumber.Size * FrameNumber.PerBlock;
    private const ulong ExecuteNever = 1UL << 54;
    private const ulong BlockMemory = 0x741 | ExecuteNever;    // AF, inner shareable, read-write, Normal
    private const ulong BlockDevice = 0x445 | ExecuteNever;    // AF, read-write, Device-nGnRE
    private const ulong AddressLimit = 1UL << 39;

    /// <summary>Boot: maps exactly this RAM (2 MiB aligned), read-write, execute-never; the image stays as it is.</summary>
    internal static bool TryMapRam(AddressRange ram)
    {
        ulong first = ram.Start & ~(Gigabyte - 1);
        if (ram.Start != first || ram.End > AddressLimit)
        {
            return false;
        }

        ulong* root = (ulong*)El2.Tables();
        ulong* low = (ulong*)(El2.Tables() + FrameNumber.Size);
        for (ulong at = ram.End; at < first + Gigabyte; at += MegabytesTwo)
        {
            low[(at - first) / MegabytesTwo] = 0;
        }

        ulong next = first + Gigabyte;
        for (; next + Gigabyte <= ram.End; next += Gigabyte)
        {
            root[next / Gigabyte] = next | BlockMemory;
        }

        if (next < ram.End)
        {
            ulong* tail = (ulong*)(El2.Tables() + (2 * FrameNumber.Size));
            for (ulong at = next; at < ram.End; at += MegabytesTwo)
            {
                tail[(at - next) / MegabytesTwo] = at | BlockMemory;
            }

            root[next / Gigabyte] = (ulong)tail | 3;
        }

        El2.InvalidateEl2();
        return true;
    }

    /// <summary>Boot: maps the 2 MiB around a device of the first GiB.</summary>
    internal static bool TryMapDevice(ulong address)
    {
        if (address >= Gigabyte)
        {
            return false;
        }

        ulong* devices = (ulong*)(El2.Tables() + (4 * FrameNumber.Size));
        devices[address / MegabytesTwo] = (address & ~(MegabytesTwo - 1)) | BlockDevice;
        El2.InvalidateEl2();
        return true;
    }
}
