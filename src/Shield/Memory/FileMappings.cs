using System;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>What a descriptor offers for mapping.</summary>
internal struct MappableFile
{
    /// <summary>The object, with one user for whoever asked (<see cref="MemoryObjects.Release"/>).</summary>
    public Handle<MemoryObject> Object;

    /// <summary>Opened for reading, for writing.</summary>
    public bool Readable;

    /// <summary>See <see cref="Readable"/>.</summary>
    public bool Writable;

    /// <summary>O_APPEND.</summary>
    public bool Appending;
}

/// <summary>From a descriptor to the object of its file, for files in clear.</summary>
internal static class FileMappings
{
    // struct stat of Arm64 (include/uapi/asm-generic/stat.h).
    private const int StatBytes = 128;
    private const int StatDevice = 0;
    private const int StatInode = 8;
    private const int StatMode = 16;
    private const int StatSize = 48;
    private const int StatModified = 88;
    private const int StatModifiedNanoseconds = 96;

    private const uint TypeMask = 0xF000;
    private const uint RegularFile = 0x8000;

    private const ulong GetFlags = 3;
    private const long AccessMode = 3;
    private const long WriteOnly = 1;
    private const long Append = 0x400;
    private const long PathOnly = 0x20_0000;

    /// <summary>Largest file that can be mapped: the objects' page numbers.</summary>
    private const ulong LargestSize = ObjectPages.Limit << UserLayout.PageShift;

    /// <summary>
    /// Opens the file behind an OS descriptor for mapping. Calls the OS (fcntl, fstat, PinFile), whose answers are checked for form only: a clear
    /// file is the OS's to lie about. Returns 0 or -EBADF, -ENODEV, -EOVERFLOW, -ENOMEM, -EIO.
    /// </summary>
    public static long Open(ref Thread thread, long descriptor, out MappableFile file)
    {
        file = default;
        long flags = Gate.Call(ref thread, Sys.fcntl, (ulong)descriptor, GetFlags);
        if (flags < 0)
            return flags;
        if ((flags & PathOnly) != 0)
            return -Errno.EBADF;
        long result = Status(ref thread, descriptor, out FileIdentity identity, out uint mode, out ulong size, out ulong version);
        if (result < 0)
            return result;
        if ((mode & TypeMask) != RegularFile)
            return -Errno.ENODEV;
        if (size > LargestSize)
            return -Errno.EOVERFLOW;

        file.Readable = (flags & AccessMode) != WriteOnly;
        file.Writable = (flags & AccessMode) != 0;
        file.Appending = (flags & Append) != 0;
        if (PageCache.TryFind(in identity, out Handle<MemoryObject> known)
            && Pool<MemoryObject>.Get(known).Pin != 0
            && (Pool<MemoryObject>.Get(known).PinWrites || !file.Writable))
        {
            return PageCache.TryOpen(in identity, size, version, 0, false, 0, out file.Object, out _) ? 0 : -Errno.ENOMEM;
        }
        return OpenPinned(ref thread, descriptor, in identity, size, version, ref file);
    }

    private static long OpenPinned(ref Thread thread, long descriptor, in FileIdentity identity, ulong size, ulong version, ref MappableFile file)
    {
        long pin = Gate.Service(ref thread, Service.PinFile, (ulong)descriptor);
        if (pin <= 0)
            return pin == 0 ? -Errno.EIO : pin;
        ulong surplus = (ulong)pin;
        bool opened = PageCache.TryOpen(in identity, size, version, (ulong)pin, file.Writable, 0, out file.Object, out bool tookPin);
        if (opened && tookPin)
            surplus = 0;
        else if (opened && file.Writable && !Pool<MemoryObject>.Get(file.Object).PinWrites)
            surplus = PageCache.ReplacePin(file.Object, (ulong)pin);
        if (surplus != 0)
            _ = Gate.Service(ref thread, Service.UnpinFile, surplus);
        return opened ? 0 : -Errno.ENOMEM;
    }

    private static long Status(ref Thread thread, long descriptor, out FileIdentity identity, out uint mode, out ulong size, out ulong version)
    {
        identity = default;
        mode = 0;
        size = 0;
        version = 0;
        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryReserve(StatBytes, out int offset, out ulong address))
            return -Errno.ENOMEM;
        long result = Gate.Call(ref thread, Sys.fstat, (ulong)descriptor, address);
        if (result < 0)
            return result;
        Span<byte> status = stackalloc byte[StatBytes];
        buffer.CopyOut(offset, status);
        identity = new FileIdentity(
            FileSource.Clear, MemoryMarshal.Read<ulong>(status[StatDevice..]), MemoryMarshal.Read<ulong>(status[StatInode..]));
        mode = MemoryMarshal.Read<uint>(status[StatMode..]);
        size = MemoryMarshal.Read<ulong>(status[StatSize..]);
        version = unchecked((MemoryMarshal.Read<ulong>(status[StatModified..]) * 1_000_000_000UL)
            + MemoryMarshal.Read<ulong>(status[StatModifiedNanoseconds..]));
        return 0;
    }
}
