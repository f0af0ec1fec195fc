using System;
using System.Buffers.Binary;

namespace BlackBox.Monitor;

/// <summary>Where the monitor wants everything to be (docs/monitor.md, "Boot"): its image, its tables and the kernel in the first part of RAM, which
/// the firmware may be using until it ends; anything else behind that.</summary>
public static class BootPlacement
{
    /// <summary>Where the image is linked to (Image/monitor.ld): the second 2 MiB of RAM.</summary>
    public const ulong MonitorStart = 0x4020_0000;

    /// <summary>Bytes that the image takes, with what it zeroes by itself.</summary>
    public const ulong MonitorSize = 0x20_0000;

    /// <summary>From the start of RAM to the kernel (Startup).</summary>
    public const ulong KernelOffset = 0x400_0000;

    /// <summary>Bytes of the header of an arm64 Image.</summary>
    public const int HeaderLength = 64;

    /// <summary>Bytes of a page of the firmware's.</summary>
    public const ulong PageSize = 4096;

    private const ulong LargestKernel = 0x400_0000;
    private const uint ImageMagic = 0x644d_5241;

    /// <summary>The part of the RAM around <see cref="MonitorStart"/> that is clear of all that; empty if there is none.</summary>
    public static AddressRange ClearOf(AddressRange ram)
    {
        const ulong Claimed = KernelOffset + LargestKernel;
        bool fits = ram.IsSound && ram.Start + MonitorSize == MonitorStart && ram.Size > Claimed;
        return new AddressRange { Start = ram.Start + Claimed, Size = fits ? ram.Size - Claimed : 0 };
    }

    /// <summary>Bytes that an arm64 Image takes with what it zeroes by itself (Linux, Documentation/arm64/booting.rst); 0: it is none, or too large.</summary>
    public static ulong SizeOfKernel(ReadOnlySpan<byte> kernel)
    {
        if (kernel.Length < HeaderLength || BinaryPrimitives.ReadUInt32LittleEndian(kernel.Slice(56)) != ImageMagic)
        {
            return 0;
        }

        ulong size = Math.Max(BinaryPrimitives.ReadUInt64LittleEndian(kernel.Slice(16)), (ulong)kernel.Length);
        return size <= LargestKernel ? size : 0;
    }

    /// <summary>Is this what Linux can read as its command line: printable ASCII, up to COMMAND_LINE_SIZE of arm64 with its NUL?</summary>
    public static bool IsCommandLine(ReadOnlySpan<byte> text) => text.Length < 2048 && text.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7e) < 0;

    /// <summary>Rounded up to whole pages, in bytes.</summary>
    public static ulong Pages(ulong bytes) => (bytes + PageSize - 1) & ~(PageSize - 1);
}
