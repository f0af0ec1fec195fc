namespace BlackBox.Shield;

/// <summary>Size and seals of a shared object (memfd). Its bytes: Files/ObjectTransfer.cs. Nothing here calls the OS.</summary>
internal static class SharedObjects
{
    /// <summary>F_SEAL_ bits of fcntl(F_ADD_SEALS).</summary>
    public const uint SealSeal = 0x1;

    /// <summary>No smaller.</summary>
    public const uint SealShrink = 0x2;

    /// <summary>No larger.</summary>
    public const uint SealGrow = 0x4;

    /// <summary>No stores at all.</summary>
    public const uint SealWrite = 0x8;

    /// <summary>No new way to store.</summary>
    public const uint SealFutureWrite = 0x10;

    private const uint KnownSeals = SealSeal | SealShrink | SealGrow | SealWrite | SealFutureWrite;

    /// <summary>ftruncate: 0, -EPERM for a seal, -EFBIG.</summary>
    public static long Truncate(Handle<MemoryObject> handle, ulong size)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        if (size > ObjectPages.Limit << UserLayout.PageShift)
            return -Errno.EFBIG;
        if ((size < target.Size && (target.Seals & SealShrink) != 0) || (size > target.Size && (target.Seals & SealGrow) != 0))
            return -Errno.EPERM;
        MemoryObjects.Resize(handle, size);
        return 0;
    }

    /// <summary>F_ADD_SEALS (mm/memfd.c): 0, -EPERM, -EINVAL, -EBUSY while a shared mapping can store and SealWrite is asked for.</summary>
    public static long AddSeals(Handle<MemoryObject> handle, uint seals)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        if ((seals & ~KnownSeals) != 0)
            return -Errno.EINVAL;
        if ((target.Seals & SealSeal) != 0)
            return -Errno.EPERM;
        if ((seals & SealWrite) != 0 && (target.Seals & SealWrite) == 0)
        {
            for (int index = target.FirstMapping; index != 0; index = Areas.At(index).ObjectNext)
            {
                ref Area area = ref Areas.At(index);
                if (area.IsShared && (area.Maximum & Protection.Write) != 0)
                    return -Errno.EBUSY;
            }
        }
        target.Seals |= seals;
        return 0;
    }
}
