namespace BlackBox.Runtime;

/// <summary>/dev/blackbox, the module's device (src/LinuxModule/blackbox_ioctl.h).</summary>
internal static class Device
{
    public const string Path = "/dev/blackbox";

    private const uint Write = 1u << 30;
    private const uint Read = 2u << 30;
    private const uint ReadWrite = 3u << 30;

    public const int VersionSize = 16;
    public const int StatisticsSize = 16 + 512;
    public const int ModuleStatisticsSize = 192;
    public const int ListSize = 16;
    public const int ListEntrySize = 56;

    public const int AuditSize = 4096;

    public const int EvidenceSize = 0x8000;

    public static uint VersionRequest => Request(Read, 0x40, VersionSize);

    public static uint StatisticsRequest => Request(ReadWrite, 0x41, StatisticsSize);

    public static uint ModuleStatisticsRequest => Request(Read, 0x42, ModuleStatisticsSize);

    public static uint ListRequest => Request(ReadWrite, 0x43, ListSize);

    public static uint AuditRequest => Request(Read, 0x44, AuditSize);

    /// <exception cref="RuntimeException">The module is not loaded, hence no protection can be had.</exception>
    public static void Check()
    {
        if (!File.Exists(Path))
        {
            throw new RuntimeException($"{Path} does not exist: the module blackbox.ko is not loaded, or the machine was started without the monitor");
        }
    }

    /// <exception cref="RuntimeException">It cannot be opened.</exception>
    public static int Open()
    {
        Check();
        var file = Libc.Open(Path, Libc.OpenReadWrite | Libc.OpenCloseOnExec, 0);
        return file >= 0 ? file : throw new RuntimeException($"{Path} cannot be opened: only root may");
    }

    public static uint EvidenceRequest => Request(Write, 0x45, sizeof(ulong));

    // _IOC of asm-generic/ioctl.h.
    private static uint Request(uint direction, uint number, int size) => direction | (uint)size << 16 | 0xBBu << 8 | number;
}
