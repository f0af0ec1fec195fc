namespace BlackBox.Shield;

/// <summary>
/// Names an entry of a <see cref="Pool{T}"/>. The generation makes a handle that outlived its entry recognisable:
/// that is why what is remembered across a call to the OS is a handle, never a reference.
/// </summary>
internal readonly struct Handle<T>(uint index, uint generation)
    where T : unmanaged
{
    /// <summary>Index of the entry plus one; zero is no entry.</summary>
    private readonly uint number = index + 1;

    private readonly uint generation = generation;

    /// <summary>Index of the entry, from 0. Meaningless if <see cref="IsNull"/>.</summary>
    public int Index => (int)(number - 1);

    public uint Generation => generation;

    public bool IsNull => number == 0;

    public bool Is(Handle<T> other) => number == other.number && generation == other.generation;

    /// <summary>The same without the type: see <see cref="RawHandle"/>.</summary>
    public RawHandle Raw => new(number, generation);
}

/// <summary>
/// A handle as a field of a structure that, directly or not, holds handles of the structure it points to: the type loader of ordinary .NET
/// refuses a generic field whose argument contains it again (Thread, Process, Thread). Such fields stand behind properties.
/// </summary>
internal readonly struct RawHandle(uint number, uint generation)
{
    private readonly uint number = number;
    private readonly uint generation = generation;

    public Handle<T> As<T>()
        where T : unmanaged => new(unchecked(number - 1), generation);
}
