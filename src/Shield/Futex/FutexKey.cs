namespace BlackBox.Shield;

/// <summary>
/// What a futex word is, whatever addresses it is mapped at: a place in an address space (private), or a page and offset of
/// an object (process-shared). Two words are the same futex when their keys are equal. A word in private memory is private even if
/// the caller did not say so: nobody else can reach that page.
/// </summary>
internal readonly struct FutexKey(in WordIdentity identity)
{
    private readonly WordIdentity identity = identity;

    public bool Is(in FutexKey other) => identity.Is(other.identity);

    /// <summary>Bucket of the hash table; <paramref name="buckets"/> is a power of two.</summary>
    public int Hash(int buckets)
    {
        ulong mixed = (identity.Position ^ (identity.Owner * 0x9E37_79B9_7F4A_7C15)) * 0xBF58_476D_1CE4_E5B9;
        return (int)(mixed >> 40) & (buckets - 1);
    }

    /// <summary>Key of a user address. Never calls the OS. False: nothing is mapped there.</summary>
    public static bool TryMake(ref Thread thread, ulong address, out FutexKey key)
    {
        bool found = AddressSpaces.TryIdentify(ref thread, address, out WordIdentity identity);
        key = new FutexKey(identity);
        return found;
    }
}
