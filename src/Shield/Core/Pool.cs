using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>
/// Entries of one type, addressed by handles. Storage grows by whole frames and is kept; entries never move, so a
/// reference stays good as long as the entry lives. All under the kernel lock.
/// </summary>
internal static class Pool<T>
    where T : unmanaged
{
    /// <summary>Frames that the directory can name: two levels, each one frame of addresses.</summary>
    private const int DirectoryEntries = FrameAddress.Size / sizeof(ulong);

    /// <summary>Frames of entries that are found without the directory.</summary>
    private const int FirstFrames = 8;

    private static ulong root;
    private static FirstPages first;
    private static int capacity;
    private static int used;

    /// <summary>Index plus one of the first free entry.</summary>
    private static uint firstFree;

    /// <summary>An entry and what the pool notes beside it.</summary>
    private struct Slot
    {
        public T Value;

        /// <summary>Odd while the entry is in use; changes at every allocation and release.</summary>
        public uint Generation;

        public uint NextFree;
    }

    [InlineArray(FirstFrames)]
    private struct FirstPages
    {
        private ulong first;
    }

    /// <summary>Entries in use.</summary>
    public static int Count => used;

    private static int SlotsPerFrame => FrameAddress.Size / Unsafe.SizeOf<Slot>();

    /// <summary>Makes a zeroed entry. False: no memory.</summary>
    public static bool TryAdd(out Handle<T> handle)
    {
        handle = default;
        if (firstFree == 0 && !Grow())
        {
            return false;
        }

        uint index = firstFree - 1;
        ref Slot slot = ref At((int)index);
        firstFree = slot.NextFree;
        slot.Value = default;
        slot.Generation++;
        used++;
        handle = new Handle<T>(index, slot.Generation);
        return true;
    }

    /// <summary>Whether the handle names a live entry.</summary>
    public static bool IsLive(Handle<T> handle) =>
        !handle.IsNull && (uint)handle.Index < (uint)capacity && (handle.Generation & 1) == 1
        && At(handle.Index).Generation == handle.Generation;

    /// <summary>The entry. A handle that names none is a bug of the shield and stops the enclave.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref T Get(Handle<T> handle)
    {
        // The index of the null handle is beyond every capacity.
        if ((uint)handle.Index >= (uint)capacity)
        {
            Stale();
        }

        ref Slot slot = ref At(handle.Index);
        if (slot.Generation != handle.Generation || (handle.Generation & 1) == 0)
        {
            Stale();
        }

        return ref slot.Value;
    }

    public static void Free(Handle<T> handle)
    {
        if (!IsLive(handle))
        {
            Panic.Stop(PanicReason.StaleHandle, "stale handle freed"u8);
        }

        ref Slot slot = ref At(handle.Index);
        slot.Value = default;
        slot.Generation++;
        slot.NextFree = firstFree;
        firstFree = (uint)handle.Index + 1;
        used--;
    }

    /// <summary>The live entry with the least index from <paramref name="index"/> on: for walking all of them.</summary>
    public static bool TryNext(int index, out Handle<T> handle)
    {
        for (int i = index; i < capacity; i++)
        {
            uint generation = At(i).Generation;
            if ((generation & 1) == 1)
            {
                handle = new Handle<T>((uint)i, generation);
                return true;
            }
        }

        handle = default;
        return false;
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Stale() => Panic.Stop(PanicReason.StaleHandle, "stale handle"u8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref Slot At(int index)
    {
        if ((uint)index < (uint)SlotsPerFrame)
        {
            return ref Hardware.Reference<Slot>(first[0] + ((ulong)(uint)index * (uint)Unsafe.SizeOf<Slot>()));
        }

        return ref Beyond((uint)index);
    }

    /// <summary>An entry outside the first frame.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ref Slot Beyond(uint index)
    {
        uint frame = index / (uint)SlotsPerFrame;
        uint offset = (index - (frame * (uint)SlotsPerFrame)) * (uint)Unsafe.SizeOf<Slot>();
        ulong page = frame < FirstFrames ? first[(int)frame] : Page((int)frame);
        return ref Hardware.Reference<Slot>(page + offset);
    }

    private static ulong Page(int frame) => Entry(Entry(root, frame / DirectoryEntries), frame % DirectoryEntries);

    private static ref ulong Entry(ulong table, int index) => ref Hardware.Words(table)[index];

    private static bool Grow()
    {
        int frame = capacity / SlotsPerFrame;
        if (SlotsPerFrame == 0 || frame >= DirectoryEntries * DirectoryEntries)
        {
            return false;
        }

        if (root == 0)
        {
            if (!Frames.TryAllocate(out FrameAddress directory))
            {
                return false;
            }

            root = directory.Value;
        }

        if (Entry(root, frame / DirectoryEntries) == 0)
        {
            if (!Frames.TryAllocate(out FrameAddress table))
            {
                return false;
            }

            Entry(root, frame / DirectoryEntries) = table.Value;
        }

        if (!Frames.TryAllocate(out FrameAddress page))
        {
            return false;
        }

        Entry(Entry(root, frame / DirectoryEntries), frame % DirectoryEntries) = page.Value;
        if (frame < FirstFrames)
        {
            first[frame] = page.Value;
        }

        int start = capacity;
        capacity += SlotsPerFrame;
        for (int i = capacity - 1; i >= start; i--)
        {
            At(i).NextFree = firstFree;
            firstFree = (uint)i + 1;
        }

        return true;
    }

    /// <summary>Forgets everything: for tests, which start with new memory.</summary>
    internal static void Reset()
    {
        root = 0;
        first = default;
        capacity = 0;
        used = 0;
        firstFree = 0;
    }
}
