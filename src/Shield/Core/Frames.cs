using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>
/// Allocator of the enclave's private frames: a buddy system with blocks of 4 KiB (order 0) to 2 MiB (order 9) inside
/// chunks, the aligned 2 MiB areas in which frames were accepted. Every chunk has a descriptor in a frame of its own;
/// free blocks are linked through their own first bytes. All under the kernel lock; never calls the OS.
/// </summary>
internal static partial class Frames
{
    public const int MaxOrder = 9;
    private const int ChunkFrames = 1 << MaxOrder;
    private const ulong ChunkBytes = (ulong)ChunkFrames * FrameAddress.Size;

    /// <summary>Chunks below the lent bit, in two directory levels of which the first stands in bss.</summary>
    private const int LeafEntries = FrameAddress.Size / sizeof(ulong);
    private const int RootEntries = (int)(BufferLayout.LentBit / ChunkBytes) / LeafEntries;

    /// <summary>States of a frame in its chunk's descriptor; a free block's first frame has FreeBlock + order.</summary>
    private const byte NotOwned = 0;
    private const byte InFreeBlock = 1;
    private const byte Allocated = 2;
    private const byte FreeBlock = 16;

    [InlineArray(RootEntries)]
    private struct Root
    {
        private ulong first;
    }

    [InlineArray(MaxOrder + 1)]
    private struct Heads
    {
        private ulong first;
    }

    [InlineArray(ChunkFrames)]
    private struct States
    {
        private byte first;
    }

    [InlineArray(ChunkFrames)]
    private struct Tags
    {
        private uint first;
    }

    /// <summary>What is noted about a chunk; fits into a frame.</summary>
    private struct Chunk
    {
        public int Owned;
        public int Free;
        public States State;
        public Tags Tag;
    }

    /// <summary>Links at the start of a free block.</summary>
    private struct Links
    {
        public ulong Next;
        public ulong Previous;
    }

    private static Root root;
    private static Heads heads;
    private static int freeFrames;

    /// <summary>Number plus one of the chunk that <see cref="ChunkOf"/> found last, and its descriptor.</summary>
    private static ulong latestChunk;
    private static ulong latestDescriptor;

    private static int ownedFrames;

    /// <summary>
    /// First of the frames that are set aside for notes, each of which names the next in its first word; 0: none. They are taken side by side:
    /// notes live long, and one among the pages of each chunk would keep them all from going back.
    /// </summary>
    private static ulong notes;

    /// <summary>Frames set aside at once, as an order, and the part of the free ones that this may be at most.</summary>
    private const int NotesOrder = 5;
    private const int NotesShare = 4;

    /// <summary>Frames free now.</summary>
    public static int FreeCount => freeFrames;

    /// <summary>Frames that the allocator has, free or not.</summary>
    public static int OwnedCount => ownedFrames;

    /// <summary>The frame's 4096 bytes.</summary>
    public static Span<byte> Bytes(FrameAddress frame) => Hardware.Memory(frame.Value, FrameAddress.Size);

    /// <summary>A zeroed frame. False: none left (see <see cref="Reserve"/>).</summary>
    public static bool TryAllocate(out FrameAddress frame) => TryAllocateContiguous(0, out frame);

    /// <summary>2^order contiguous zeroed frames, aligned to their size.</summary>
    public static bool TryAllocateContiguous(int order, out FrameAddress frame)
    {
        if (!TryTake(order, out frame))
        {
            return false;
        }

        for (int i = 0; i < 1 << order; i++)
        {
            Hardware.ZeroFrame(frame.Plus(i).Value);
        }

        return true;
    }

    public static void Free(FrameAddress frame) => Free(frame, 0);

    /// <summary>Gives back a block as it was allocated, or single frames of it.</summary>
    public static void Free(FrameAddress frame, int order)
    {
        ref Chunk chunk = ref ChunkOf(frame.Value);
        int index = IndexInChunk(frame.Value);
        for (int i = 0; i < 1 << order; i++)
        {
            if (chunk.State[index + i] != Allocated)
            {
                Panic.Stop(PanicReason.Invariant, "frame freed that is not allocated"u8);
            }

            chunk.State[index + i] = InFreeBlock;
            chunk.Tag[index + i] = 0;
        }

        chunk.Free += 1 << order;
        freeFrames += 1 << order;
        Merge(ref chunk, frame.Value & ~(ChunkBytes - 1), index, order);
    }

    /// <summary>A word per allocated frame for its owner's use (a count of users); 0 when allocated.</summary>
    public static ref uint Tag(FrameAddress frame)
    {
        ref Chunk chunk = ref ChunkOf(frame.Value);
        int index = IndexInChunk(frame.Value);
        if (chunk.State[index] != Allocated)
        {
            Panic.Stop(PanicReason.Invariant, "tag of a frame that is not allocated"u8);
        }

        return ref chunk.Tag[index];
    }

    /// <summary>Whether the frame is one that the allocator gave out.</summary>
    public static bool IsAllocated(FrameAddress frame) =>
        TryChunk(frame.Value, out FrameAddress descriptor) && Descriptor(descriptor).State[IndexInChunk(frame.Value)] == Allocated;

    /// <summary>
    /// Takes over private frames: aligned, below the lent bit, not crossing a 2 MiB boundary, not owned yet. Needs at
    /// most two frames for its own notes, taken from the range itself if nothing else is free.
    /// </summary>
    public static bool TryAdd(FrameAddress first, int count)
    {
        ulong start = first.Value;
        if (!IsAcceptable(start, (ulong)count) || count + freeFrames < 3)
        {
            return false;
        }

        ulong end = start + ((ulong)count << 12);
        if (!TryChunk(start, out FrameAddress descriptor))
        {
            int index = (int)(start / ChunkBytes);
            if (root[index / LeafEntries] == 0)
            {
                if (!TryMetadata(ref start, end, out FrameAddress leaf))
                {
                    return false;
                }

                root[index / LeafEntries] = leaf.Value;
            }

            if (!TryMetadata(ref start, end, out descriptor))
            {
                return false;
            }

            Leaf(root[index / LeafEntries])[index % LeafEntries] = descriptor.Value;
        }

        ref Chunk chunk = ref Descriptor(descriptor);
        int from = IndexInChunk(first.Value);
        for (int i = from; i < from + count; i++)
        {
            if (chunk.State[i] != NotOwned)
            {
                Panic.Stop(PanicReason.Invariant, "frame added twice"u8);
            }

            chunk.State[i] = Allocated;
        }

        chunk.Owned += count;
        ownedFrames += count;
        while (start < end)
        {
            int order = Math.Min(Alignment(start), MaxOrder);
            while (start + ((ulong)FrameAddress.Size << order) > end)
            {
                order--;
            }

            Free(new FrameAddress(start), order);
            start += (ulong)FrameAddress.Size << order;
        }

        // Now, and not when the next range comes: nothing may be free by then.
        if (notes == 0)
        {
            SetAside();
        }

        return true;
    }

    /// <summary>Whether a range may be one of private frames at all.</summary>
    private static bool IsAcceptable(ulong start, ulong count) =>
        start != 0 && (start & (FrameAddress.Size - 1)) == 0 && start < BufferLayout.LentBit
        && count is > 0 and <= ChunkFrames
        && (start & (ChunkBytes - 1)) + (count << 12) <= ChunkBytes;

    private static bool TryTake(int order, out FrameAddress frame)
    {
        frame = default;
        int have = order;
        while (have <= MaxOrder && heads[have] == 0)
        {
            have++;
        }

        if ((uint)order > MaxOrder || have > MaxOrder)
        {
            return false;
        }

        ulong address = heads[have];
        ref Chunk chunk = ref ChunkOf(address);
        int index = IndexInChunk(address);
        Unlink(address, have);
        while (have > order)
        {
            have--;
            ulong upper = address + ((ulong)FrameAddress.Size << have);
            chunk.State[index + (1 << have)] = (byte)(FreeBlock + have);
            Link(upper, have);
        }

        for (int i = 0; i < 1 << order; i++)
        {
            chunk.State[index + i] = Allocated;
        }

        chunk.Free -= 1 << order;
        freeFrames -= 1 << order;
        leastFree = Math.Min(leastFree, freeFrames);
        frame = new FrameAddress(address);
        return true;
    }

    /// <summary>Joins a free block with its buddies as far as they are free, and links the result.</summary>
    private static void Merge(ref Chunk chunk, ulong chunkStart, int index, int order)
    {
        while (order < MaxOrder)
        {
            int buddy = index ^ (1 << order);
            if (chunk.State[buddy] != FreeBlock + order)
            {
                break;
            }

            Unlink(chunkStart + ((ulong)buddy << 12), order);
            chunk.State[buddy] = InFreeBlock;
            index = Math.Min(index, buddy);
            order++;
        }

        chunk.State[index] = (byte)(FreeBlock + order);
        Link(chunkStart + ((ulong)index << 12), order);
    }

    private static void Link(ulong block, int order)
    {
        ref Links links = ref LinksOf(block);
        links.Next = heads[order];
        links.Previous = 0;
        if (links.Next != 0)
        {
            LinksOf(links.Next).Previous = block;
        }

        heads[order] = block;
    }

    private static void Unlink(ulong block, int order)
    {
        Links links = LinksOf(block);
        if (links.Next != 0)
        {
            LinksOf(links.Next).Previous = links.Previous;
        }

        if (links.Previous != 0)
        {
            LinksOf(links.Previous).Next = links.Next;
        }
        else
        {
            heads[order] = links.Next;
        }
    }

    /// <summary>A zeroed frame for the allocator's notes: one set aside, or the first of the range that is being added.</summary>
    private static bool TryMetadata(ref ulong start, ulong end, out FrameAddress frame)
    {
        frame = new FrameAddress(notes != 0 ? notes : start);
        if (notes != 0)
        {
            notes = Hardware.Words(notes)[0];
        }
        else if (start < end)
        {
            start += FrameAddress.Size;
        }
        else
        {
            return false;
        }

        Hardware.ZeroFrame(frame.Value);
        return true;
    }

    private static void SetAside()
    {
        for (int order = NotesOrder; order >= 0; order--)
        {
            if ((order == 0 || freeFrames >= NotesShare << order) && TryTake(order, out FrameAddress first))
            {
                for (int i = 0; i < 1 << order; i++)
                {
                    KeepForNotes(first.Plus(i));
                }

                return;
            }
        }
    }

    private static void KeepForNotes(FrameAddress frame)
    {
        Hardware.Words(frame.Value)[0] = notes;
        notes = frame.Value;
    }

    private static int Alignment(ulong address) =>
        System.Numerics.BitOperations.TrailingZeroCount(address >> 12);

    private static int IndexInChunk(ulong address) => (int)(address >> 12) & (ChunkFrames - 1);

    private static bool TryChunk(ulong address, out FrameAddress descriptor)
    {
        descriptor = default;
        if (address >= BufferLayout.LentBit)
        {
            return false;
        }

        int index = (int)(address / ChunkBytes);
        ulong leaf = root[index / LeafEntries];
        if (leaf != 0)
        {
            descriptor = new FrameAddress(Leaf(leaf)[index % LeafEntries]);
        }

        return !descriptor.IsNull;
    }

    private static ref Chunk ChunkOf(ulong address)
    {
        // Frames of one chunk come one after the other: the latest descriptor is the one most of the time.
        ulong number = (address / ChunkBytes) + 1;
        if (number != latestChunk)
        {
            if (!TryChunk(address, out FrameAddress descriptor))
            {
                Panic.Stop(PanicReason.Invariant, "frame of no chunk"u8);
            }

            latestChunk = number;
            latestDescriptor = descriptor.Value;
        }

        return ref Hardware.Reference<Chunk>(latestDescriptor);
    }

    private static ref Chunk Descriptor(FrameAddress frame) => ref Hardware.Reference<Chunk>(frame.Value);

    private static ref Links LinksOf(ulong block) => ref Hardware.Reference<Links>(block);

    private static Span<ulong> Leaf(ulong frame) => Hardware.Words(frame);

    /// <summary>Forgets everything: for tests, which start with new memory.</summary>
    internal static void Reset()
    {
        root = default;
        heads = default;
        freeFrames = 0;
        leastFree = 0;
        periodStart = 0;
        latestChunk = 0;
        ownedFrames = 0;
        Limit = 0;
        notes = 0;
    }
}
