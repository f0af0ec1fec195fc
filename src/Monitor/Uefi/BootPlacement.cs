using System;
using System.Buffers.Binary;

namespace BlackBox.Monitor;

/// <summary>Where the monitor wants everything to be (docs/monitor.md, "Boot"): its own image and the kernel at fixed places, which the firmware may be
/// using; anything else clear of them and of the monitor's tables between them.</summary>
public struct BootPlacement
{
    /// <summary>Where the image is linked to (Image/monitor.ld): the second 2 MiB of RAM.</summary>
    public const ulong MonitorStart = 0x4020_0000;

    /// <summary>Bytes that the image takes, with what it zeroes by itself.</summary>
    public const ulong MonitorSize = 0x20_0000;

    /// <summary>From the start of RAM to the kernel (Startup).</summary>
    public const ulong KernelOffset = 0x400_0000;

    /// <summary>Bytes of a page of the firmware's.</summary>
    public const ulong PageSize = 4096;

    private const int ImageHeaderLength = 64;
    private const uint ImageMagic = 0x644d_5241;
    private const ulong LargestKernel = 0x1000_0000;

    public AddressRange Ram;

    /// <summary>The kernel with what it zeroes by itself, whole pages.</summary>
    public AddressRange Kernel;

    /// <summary>What gets new contents while the firmware's memory is still in use.</summary>
    public readonly AddressRange Claimed => new() { Start = Ram.Start, Size = Kernel.End - Ram.Start };

    /// <summary>Plans for an arm64 Image (Linux, Documentation/arm64/booting.rst).</summary>
    /// <param name="ram">the RAM around <see cref="MonitorStart"/></param>
    /// <returns>false: no such image, or not enough RAM</returns>
    public static bool TryPlan(AddressRange ram, ReadOnlySpan<byte> kernel, out BootPlacement placement)
    {
        placement = default;
        if (kernel.Length < ImageHeaderLength || BinaryPrimitives.ReadUInt32LittleEndian(kernel.Slice(56)) != ImageMagic)
        {
            return false;
        }

        ulong size = Math.Max(BinaryPrimitives.ReadUInt64LittleEndian(kernel.Slice(16)), (ulong)kernel.Length);
        placement.Ram = ram;
        placement.Kernel = new AddressRange { Start = ram.Start + KernelOffset, Size = Pages(Math.Min(size, LargestKernel)) };
        return size <= LargestKernel && ram.IsSound && ram.Start + MonitorSize == MonitorStart && ram.Contains(placement.Kernel);
    }

    /// <summary>May something stand here until, or beyond, the monitor's start?</summary>
    public readonly bool IsClear(AddressRange range) => range.IsSound && Ram.Contains(range) && !Claimed.Overlaps(range);

    /// <summary>Rounded up to whole pages, in bytes.</summary>
    public static ulong Pages(ulong bytes) => (bytes + PageSize - 1) & ~(PageSize - 1);
}
