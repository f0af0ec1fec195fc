using System;
using System.Numerics;

namespace BlackBox.Shield;

/// <summary>
/// /proc/self/maps and /proc/self/smaps: what the OS would show is its own empty address space, so the text is made here,
/// at the opening, from the areas of the process (Linux: fs/proc/task_mmu.c). File names are not kept with areas and left out.
/// </summary>
internal static class ProcessViews
{
    private static ReadOnlySpan<byte> Maps => "maps"u8;

    private static ReadOnlySpan<byte> Smaps => "smaps"u8;

    /// <summary>Whether a path names one of the views of the calling process.</summary>
    public static bool TryParse(ref Thread thread, ReadOnlySpan<byte> path, out bool detailed)
    {
        ReadOnlySpan<byte> name = Entry(ref thread, path);
        detailed = name.SequenceEqual(Smaps);
        return detailed || name.SequenceEqual(Maps);
    }

    /// <summary>What a path names in the directory of the calling process in /proc; empty if it is not there.</summary>
    public static ReadOnlySpan<byte> Entry(ref Thread thread, ReadOnlySpan<byte> path)
    {
        if (!path.StartsWith("/proc/"u8))
        {
            return default;
        }

        ReadOnlySpan<byte> rest = path["/proc/"u8.Length..];
        int slash = rest.IndexOf((byte)'/');
        if (slash <= 0)
        {
            return default;
        }

        ReadOnlySpan<byte> process = rest[..slash];
        bool own = process.SequenceEqual("self"u8) || process.SequenceEqual("thread-self"u8)
            || (DescriptorLinks.TryNumber(process, out ulong number) && number == (ulong)Pool<Process>.Get(thread.Process).Pid);
        return own ? rest[(slash + 1)..] : default;
    }

    /// <summary>The text as an object of the enclave, with one user for the caller. Returns 0 or -ENOMEM. Reserve frames before.</summary>
    public static long Make(ref Thread thread, bool detailed, out Handle<MemoryObject> text)
    {
        if (!MemoryObjects.TryCreateShared(0, out text))
        {
            return -Errno.ENOMEM;
        }

        ViewWriter writer = new(text);
        ref AddressSpace space = ref Pool<AddressSpace>.Get(AddressSpaces.Of(ref thread));
        for (int index = space.Areas.First; index != 0 && !writer.Failed; index = Areas.At(index).Next)
        {
            ref Area area = ref Areas.At(index);
            WriteLine(ref writer, ref space, ref area);
            if (detailed)
            {
                WriteDetails(ref writer, ref space, ref area);
            }
        }

        if (writer.Failed)
        {
            MemoryObjects.Release(text);
            return -Errno.ENOMEM;
        }

        return 0;
    }

    private static void WriteLine(ref ViewWriter writer, ref AddressSpace space, ref Area area)
    {
        writer.PutHexadecimal(area.Start, 8);
        writer.Put("-"u8);
        writer.PutHexadecimal(area.End, 8);
        writer.Put(" "u8);
        writer.Put((area.Protection & Protection.Read) != 0 ? "r"u8 : "-"u8);
        writer.Put((area.Protection & Protection.Write) != 0 ? "w"u8 : "-"u8);
        writer.Put((area.Protection & Protection.Execute) != 0 ? "x"u8 : "-"u8);
        writer.Put(area.IsShared ? "s "u8 : "p "u8);
        bool file = !area.Object.IsNull && Pool<MemoryObject>.Get(area.Object).Kind == ObjectKind.File;
        writer.PutHexadecimal(file ? area.Page << UserLayout.PageShift : 0, 8);
        writer.Put(" 00:00 "u8);
        writer.PutDecimal(file ? (ulong)area.Object.Index + 1 : 0);
        if (area.Start <= space.Heap && area.End > space.HeapStart && area.IsAnonymous)
        {
            writer.Put("          [heap]"u8);
        }
        else if ((area.Flags & AreaFlags.GrowsDown) != 0)
        {
            writer.Put("          [stack]"u8);
        }

        writer.Put("\n"u8);
    }

    private static void WriteDetails(ref ViewWriter writer, ref AddressSpace space, ref Area area)
    {
        // Pages present; of those with other users, and of the private memory stored to (never given back to a file).
        ulong present = 0;
        ulong sharedClean = 0;
        ulong sharedDirty = 0;
        ulong privateClean = 0;
        ulong privateDirty = 0;
        ulong address = area.Start;
        while (PageTables.TryNextSlot(space.Root, ref address, area.End, out FrameAddress upper))
        {
            ulong slot = PageTables.Entries(upper)[PageTables.SlotIndex(address)];
            FrameAddress leaf = PageTableEntry.Frame(slot);
            ulong end = PageTables.LeafEnd(address, area.End);
            for (; address < end; address += UserLayout.PageBytes)
            {
                ulong entry = PageTables.Entries(leaf)[PageTables.LeafIndex(address)];
                FrameAddress frame = PageTableEntry.Frame(entry);
                if ((entry & PageTableEntry.Valid) == 0 || SharedFrames.IsZero(frame))
                {
                    continue;
                }

                present++;
                bool anonymous = area.Object.IsNull;
                bool exclusive = !SharedTables.IsShared(slot) && SharedFrames.IsExclusive(frame);
                privateDirty += exclusive && anonymous ? 1UL : 0;
                privateClean += exclusive && !anonymous ? 1UL : 0;
                sharedDirty += !exclusive && anonymous ? 1UL : 0;
                sharedClean += !exclusive && !anonymous ? 1UL : 0;
            }
        }

        writer.PutKibibytes("Size:           "u8, area.Pages);
        writer.Put("KernelPageSize:        4 kB\nMMUPageSize:           4 kB\n"u8);
        writer.PutKibibytes("Rss:            "u8, present);
        writer.PutKibibytes("Pss:            "u8, present);
        writer.PutKibibytes("Shared_Clean:   "u8, sharedClean);
        writer.PutKibibytes("Shared_Dirty:   "u8, sharedDirty);
        writer.PutKibibytes("Private_Clean:  "u8, privateClean);
        writer.PutKibibytes("Private_Dirty:  "u8, privateDirty);
        writer.PutKibibytes("Referenced:     "u8, present);
        writer.PutKibibytes("Anonymous:      "u8, area.Object.IsNull ? present : 0);
        writer.PutKibibytes("AnonHugePages:  "u8, 0);
        writer.PutKibibytes("Swap:           "u8, 0);
        writer.PutKibibytes("Locked:         "u8, (area.Flags & AreaFlags.Locked) != 0 ? present : 0);
    }
}

/// <summary>Appends text to a shared object, page by page.</summary>
internal ref struct ViewWriter(Handle<MemoryObject> target)
{
    private readonly Handle<MemoryObject> target = target;
    private ulong length;

    public bool Failed { get; private set; }

    public void Put(ReadOnlySpan<byte> text)
    {
        while (text.Length > 0 && !Failed)
        {
            Pool<MemoryObject>.Get(target).Size = length + (ulong)text.Length;
            FrameAddress frame = MemoryObjects.SharedPage(target, length >> UserLayout.PageShift, out _);
            if (frame.IsNull)
            {
                Failed = true;
                return;
            }

            int offset = (int)(length & UserLayout.PageMask);
            int step = Math.Min(text.Length, FrameAddress.Size - offset);
            text[..step].CopyTo(Frames.Bytes(frame).Slice(offset, step));
            text = text[step..];
            length += (ulong)step;
        }
    }

    /// <summary>Lower-case digits, at least <paramref name="width"/>.</summary>
    public void PutHexadecimal(ulong value, int width)
    {
        int digits = Math.Max(width, (67 - BitOperations.LeadingZeroCount(value | 1)) / 4);
        for (int i = digits - 1; i >= 0; i--)
        {
            Put("0123456789abcdef"u8.Slice((int)(value >> (4 * i)) & 15, 1));
        }
    }

    public void PutDecimal(ulong value)
    {
        ulong unit = 1;
        while (value / unit >= 10)
        {
            unit *= 10;
        }

        for (; unit > 0; unit /= 10)
        {
            Put("0123456789"u8.Slice((int)(value / unit % 10), 1));
        }
    }

    /// <summary>A line of smaps: name, padded number, unit.</summary>
    public void PutKibibytes(ReadOnlySpan<byte> name, ulong pages)
    {
        ulong kibibytes = pages << (UserLayout.PageShift - 10);
        Put(name);
        for (ulong unit = 1_000_000; unit > 1 && kibibytes < unit; unit /= 10)
        {
            Put(" "u8);
        }

        PutDecimal(kibibytes);
        Put(" kB\n"u8);
    }
}
