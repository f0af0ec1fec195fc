using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>How memory comes from the OS and goes back to it.</summary>
internal static partial class Frames
{
    /// <summary>Frames kept free for what may not sleep.</summary>
    private const int LowWater = 64;

    /// <summary>Least number of frames asked for at once: 2 MiB.</summary>
    private const int Step = ChunkFrames;

    /// <summary>Free frames above which whole free chunks go back: 8 MiB.</summary>
    private const int Surplus = 4 * ChunkFrames;

    /// <summary>How long frames must lie free before they go back: a program that frees memory and takes it again by turns keeps it.</summary>
    private const ulong PeriodMilliseconds = 250;

    /// <summary>Most frames that the enclave asks for, as its manifest says; 0: no limit.</summary>
    public static int Limit { get; set; }

    /// <summary>Fewest free frames since <see cref="periodStart"/>, a value of the counter.</summary>
    private static int leastFree;
    private static ulong periodStart;

    /// <summary>
    /// Makes sure that <paramref name="frames"/> frames are free beyond the reserve, asking the module if need be. May
    /// call the OS, hence drop the kernel lock. False: the OS gives no more (ENOMEM), or the task is dying.
    /// </summary>
    public static bool Reserve(ref Thread thread, int frames)
    {
        int wanted = frames + LowWater;
        while (freeFrames < wanted)
        {
            int ask = Math.Max(wanted - freeFrames, Step);
            ask = Limit == 0 ? ask : Math.Min(ask, Limit - ownedFrames);
            if (ask <= 0)
            {
                return freeFrames >= frames;
            }

            if (Gate.Service(ref thread, Service.Grant, (ulong)ask) < 0)
            {
                return freeFrames >= frames;
            }

            // The answer stands in this task's buffer: nobody else reads it, and the lock is held again. What others take or give
            // back meanwhile says nothing about the answer.
            if (AcceptGranted(ref thread) == 0)
            {
                return freeFrames >= frames;
            }
        }

        return true;
    }

    /// <summary>
    /// Gives back whole free 2 MiB chunks beyond the surplus that nobody needed for a whole <see cref="PeriodMilliseconds"/>. Called where the
    /// thread may call the OS.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Trim(ref Thread thread)
    {
        // On the way of every call.
        if (freeFrames > 2 * Surplus)
        {
            TrimUnused(ref thread);
        }
    }

    private static void TrimUnused(ref Thread thread)
    {
        ulong now = Hardware.Counter;
        if (now - periodStart >= Hardware.CounterFrequency * PeriodMilliseconds / 1000)
        {
            int unused = leastFree;
            periodStart = now;
            leastFree = freeFrames;
            GiveBack(ref thread, unused);
        }
    }

    /// <summary>The same at once: a process has ended, and perhaps nobody comes by for a long time.</summary>
    public static void TrimNow(ref Thread thread)
    {
        if (freeFrames > 2 * Surplus)
        {
            GiveBack(ref thread, freeFrames);
        }
    }

    private static void GiveBack(ref Thread thread, int unused)
    {
        int ranges = 0;
        while (unused > Surplus + ChunkFrames && ranges < BufferLayout.MaxRanges && heads[MaxOrder] != 0)
        {
            ulong chunk = heads[MaxOrder];
            if (!TryForget(chunk))
            {
                break;
            }

            if (Hardware.ReleaseMemory(chunk, ChunkFrames) != Status.Success)
            {
                Panic.Stop(PanicReason.Invariant, "the monitor refused a release"u8);
            }

            unused -= ChunkFrames;
            SharedBuffer.WriteRange(ref thread, ranges++, chunk, ChunkFrames);
        }

        if (ranges > 0)
        {
            _ = Gate.Service(ref thread, Service.Reclaim, 0, 0, 0, (ulong)ranges);
        }
    }

    /// <summary>
    /// Accepts what the module lists, as far as the list is well-formed and the monitor agrees. Lies are passed over. Returns the
    /// number of frames that are the enclave's now.
    /// </summary>
    private static ulong AcceptGranted(ref Thread thread)
    {
        ulong accepted = 0;
        ulong count = Math.Min(SharedBuffer.ReadHeader(ref thread, BufferLayout.RangeCount), BufferLayout.MaxRanges);
        for (int i = 0; i < (int)count; i++)
        {
            SharedBuffer.ReadRange(ref thread, i, out ulong address, out ulong frames);
            if ((address & (FrameAddress.Size - 1)) != 0 || address >= BufferLayout.LentBit
                || frames > (BufferLayout.LentBit - address) >> 12)
            {
                continue;
            }

            // Ranges may be long: accepted by the pieces that lie in one chunk.
            while (frames > 0)
            {
                ulong piece = Math.Min(frames, ChunkFrames - (ulong)IndexInChunk(address));
                if (!TryAccept(address, piece))
                {
                    break;
                }

                address += piece << 12;
                frames -= piece;
                accepted += piece;
            }
        }

        return accepted;
    }

    private static bool TryAccept(ulong address, ulong frames)
    {
        if (!IsAcceptable(address, frames) || Hardware.AcceptMemory(address, frames) != Status.Success)
        {
            return false;
        }

        if (!TryAdd(new FrameAddress(address), (int)frames))
        {
            // Not even room for the notes: a range of one or two frames. Back with it.
            _ = Hardware.ReleaseMemory(address, frames);
            return false;
        }

        return true;
    }

    /// <summary>Takes a wholly free chunk out of the books.</summary>
    private static bool TryForget(ulong start)
    {
        if (!TryChunk(start, out FrameAddress descriptor) || Descriptor(descriptor).Free != ChunkFrames)
        {
            return false;
        }

        latestChunk = 0;
        Unlink(start, MaxOrder);
        freeFrames -= ChunkFrames;
        ownedFrames -= ChunkFrames;
        int index = (int)(start / ChunkBytes);
        Leaf(root[index / LeafEntries])[index % LeafEntries] = 0;

        // Zeroed as a whole before it can be a descriptor again; its own frame is in another chunk, since this one is all free.
        KeepForNotes(descriptor);
        return true;
    }
}
