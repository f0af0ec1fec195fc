using System;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>
/// Files in clear that are mapped and read or written by calls as well: the page cache of the enclave and the OS's file are kept in
/// step. Nothing is done, and nothing asked, until a file in clear was mapped for the first time.
/// </summary>
internal static class ClearFiles
{
    // struct stat of arm64.
    private const int StatBytes = 128;
    private const int StatInode = 8;
    private const int StatMode = 16;
    private const int StatSize = 48;
    private const uint TypeMask = 0xF000;
    private const uint RegularFile = 0x8000;

    /// <summary>A file in clear was mapped.</summary>
    public static bool AnyMapped { get; set; }

    /// <summary>Before a call reads the file: what mappings stored goes to the OS.</summary>
    public static void BeforeRead(ref Thread thread, ulong descriptor)
    {
        if (AnyMapped && ObjectPages.DirtyTotal != 0 && TryCached(ref thread, descriptor, out Handle<MemoryObject> cached))
        {
            _ = PageCache.Clean(ref thread, cached, 0, ObjectPages.Limit);
        }
    }

    /// <summary>After a call changed the file: mappings read again what stands there. Passes the call's result on.</summary>
    public static long AfterWrite(ref Thread thread, ulong descriptor, long result)
    {
        if (!AnyMapped || result < 0 || !TryCached(ref thread, descriptor, out Handle<MemoryObject> cached))
        {
            return result;
        }

        MemoryObjects.AddReference(cached);
        if (TryStatus(ref thread, descriptor, out _, out ulong size))
        {
            PageCache.Changed(cached, 0, Math.Max(size, Pool<MemoryObject>.Get(cached).Size), size);
        }

        MemoryObjects.Release(cached);
        return result;
    }

    /// <summary>The page cache's object of a descriptor's file, if it has pages.</summary>
    private static bool TryCached(ref Thread thread, ulong descriptor, out Handle<MemoryObject> cached)
    {
        cached = default;
        if (Descriptors.Kind(ref thread, descriptor, out Handle<OpenFile> file) != OpenFileKind.Clear)
        {
            return false;
        }

        // Asked once for each open file: 0 as inode stands for what is no regular file.
        if (!Pool<OpenFile>.Get(file).IdentityKnown)
        {
            OpenFiles.AddReference(file);
            _ = TryStatus(ref thread, descriptor, out FileIdentity identity, out _);
            Pool<OpenFile>.Get(file).Identity = identity;
            Pool<OpenFile>.Get(file).IdentityKnown = true;
            OpenFiles.Release(file);
            if (!Pool<OpenFile>.IsLive(file))
            {
                return false;
            }
        }

        FileIdentity known = Pool<OpenFile>.Get(file).Identity;
        return known.Inode != 0 && PageCache.TryFind(in known, out cached) && Pool<MemoryObject>.Get(cached).PageCount > 0;
    }

    private static bool TryStatus(ref Thread thread, ulong descriptor, out FileIdentity identity, out ulong size)
    {
        identity = default;
        size = 0;
        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryReserve(StatBytes, out int offset, out ulong place) || Gate.Call(ref thread, Sys.fstat, descriptor, place) != 0)
        {
            return false;
        }

        Span<byte> status = stackalloc byte[StatBytes];
        buffer.CopyOut(offset, status);
        size = MemoryMarshal.Read<ulong>(status[StatSize..]);
        if ((MemoryMarshal.Read<uint>(status[StatMode..]) & TypeMask) == RegularFile && size <= long.MaxValue)
        {
            identity = new FileIdentity(FileSource.Clear, MemoryMarshal.Read<ulong>(status), MemoryMarshal.Read<ulong>(status[StatInode..]));
            return true;
        }

        return false;
    }
}
