namespace BlackBox.Shield;

/// <summary>
/// What a futex word is, whatever addresses it is mapped at: a place in an address space (private), or a page and offset of
/// an object (process-shared). Two words are the same futex when their keys are equal.
/// </summary>
internal readonly struct FutexKey(ulong kind, ulong owner, ulong offset)
{
    private const ulong PrivateKind = 1;
    private const ulong SharedKind = 2;

    private readonly ulong kind = kind;
    private readonly ulong owner = owner;
    private readonly ulong offset = offset;

    public bool Is(in FutexKey other) => kind == other.kind && owner == other.owner && offset == other.offset;

    /// <summary>Bucket of the hash table.</summary>
    public int Hash(int buckets)
    {
        ulong mixed = (offset ^ (owner * 0x9E37_79B9_7F4A_7C15)) * 0xBF58_476D_1CE4_E5B9;
        return (int)(mixed >> 40) & (buckets - 1);
    }

    /// <summary>
    /// Key of a present user address. A word in private memory is private even if the caller did not say so: nobody else
    /// can reach that page. False: nothing is mapped there.
    /// </summary>
    public static bool TryMake(ref Thread thread, ulong address, out FutexKey key)
    {
        Handle<AddressSpace> handle = AddressSpaces.Of(ref thread);
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        int index = space.AreaAt(address);
        if (index == 0)
        {
            key = default;
            return false;
        }

        ref Area area = ref Areas.At(index);
        key = area.IsShared && !area.IsAnonymous
            ? new FutexKey(SharedKind, ((ulong)area.Object.Generation << 32) | (uint)area.Object.Index,
                (area.PageAt(address) << UserLayout.PageShift) | (address & (FrameAddress.Size - 1)))
            : new FutexKey(PrivateKind, ((ulong)handle.Generation << 32) | (uint)handle.Index, address);
        return true;
    }
}
