using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>One descriptor: the open file it names, and FD_CLOEXEC.</summary>
internal struct Descriptor
{
    public Handle<OpenFile> File;
    public bool CloseOnExec;

    /// <summary>
    /// Copied by a fork while another thread of the parent could close it before Linux made its own copy: Linux may give the number anew.
    /// </summary>
    public bool MayBeGone;
}

/// <summary>Descriptors of a process (shared by CLONE_FILES), by Linux's numbers. Two levels of frames, which come as they are needed.</summary>
internal struct DescriptorTable
{
    /// <summary>Processes that use the table.</summary>
    public int Users;

    /// <summary>One more than the largest number ever in use.</summary>
    public int Top;

    /// <summary>Descriptors open.</summary>
    public int Count;

    internal Roots Directories;

    [InlineArray(DescriptorPages.Directories)]
    internal struct Roots
    {
        private ulong first;
    }
}

/// <summary>Entries of a table.</summary>
internal static class DescriptorPages
{
    internal const int Directories = 8;
    private const int PageEntries = FrameAddress.Size / 16;
    private const int DirectoryEntries = FrameAddress.Size / sizeof(ulong);

    /// <summary>First number that no descriptor has: Linux's default of fs.nr_open.</summary>
    public const int Limit = Directories * DirectoryEntries * PageEntries;

    /// <summary>Whether a number is open; <paramref name="descriptor"/> is a copy of the entry.</summary>
    public static bool TryGet(ref DescriptorTable table, ulong number, out Descriptor descriptor)
    {
        descriptor = default;
        if (number >= (ulong)table.Top || !TryPage(ref table, (int)number, out Span<Descriptor> page))
        {
            return false;
        }

        descriptor = page[(int)number & (PageEntries - 1)];
        return !descriptor.File.IsNull;
    }

    /// <summary>Makes room for a number. False: no memory.</summary>
    public static bool TryPrepare(ref DescriptorTable table, int number)
    {
        if (TryPage(ref table, number, out _))
        {
            return true;
        }

        ref ulong directory = ref table.Directories[number / PageEntries / DirectoryEntries];
        if (directory == 0)
        {
            if (!Frames.TryAllocate(out FrameAddress frame))
            {
                return false;
            }

            directory = frame.Value;
        }

        if (!Frames.TryAllocate(out FrameAddress entries))
        {
            return false;
        }

        Words(directory)[number / PageEntries % DirectoryEntries] = entries.Value;
        return true;
    }

    /// <summary>Opens a number that has room; it must be free. The table takes over the caller's reference.</summary>
    public static void Open(ref DescriptorTable table, int number, Handle<OpenFile> file, bool closeOnExec)
    {
        if (!TryPage(ref table, number, out Span<Descriptor> page) || !page[number % PageEntries].File.IsNull)
        {
            Panic.Stop(PanicReason.Invariant, "descriptor opened twice"u8);
        }

        page[number % PageEntries] = new Descriptor { File = file, CloseOnExec = closeOnExec };
        table.Top = Math.Max(table.Top, number + 1);
        table.Count++;
    }

    /// <summary>Frees a number and hands its reference to the caller. False: not open.</summary>
    public static bool TryClose(ref DescriptorTable table, ulong number, out Handle<OpenFile> file)
    {
        file = default;
        if (!TryGet(ref table, number, out Descriptor descriptor) || !TryPage(ref table, (int)number, out Span<Descriptor> page))
        {
            return false;
        }

        file = descriptor.File;
        page[(int)number % PageEntries] = default;
        table.Count--;
        return true;
    }

    /// <summary>See <see cref="Descriptor.MayBeGone"/>.</summary>
    public static void SetMayBeGone(ref DescriptorTable table, int number)
    {
        if (TryPage(ref table, number, out Span<Descriptor> page))
        {
            page[number % PageEntries].MayBeGone = true;
        }
    }

    public static void SetCloseOnExec(ref DescriptorTable table, ulong number, bool value)
    {
        if (number < (ulong)table.Top && TryPage(ref table, (int)number, out Span<Descriptor> page) && !page[(int)number % PageEntries].File.IsNull)
        {
            page[(int)number % PageEntries].CloseOnExec = value;
        }
    }

    /// <summary>The next open number from <paramref name="number"/> on, or false. Absent pages are passed over.</summary>
    public static bool TryNext(ref DescriptorTable table, ref int number, out Descriptor descriptor)
    {
        while (number < table.Top)
        {
            if (!TryPage(ref table, number, out Span<Descriptor> page))
            {
                number = ((number / PageEntries) + 1) * PageEntries;
                continue;
            }

            descriptor = page[number % PageEntries];
            if (!descriptor.File.IsNull)
            {
                return true;
            }

            number++;
        }

        descriptor = default;
        return false;
    }

    /// <summary>Frees the frames; no number may be open any more.</summary>
    public static void Free(ref DescriptorTable table)
    {
        for (int i = 0; i < Directories; i++)
        {
            ulong directory = table.Directories[i];
            if (directory == 0)
            {
                continue;
            }

            Span<ulong> words = Words(directory);
            for (int k = 0; k < words.Length; k++)
            {
                if (words[k] != 0)
                {
                    Frames.Free(new FrameAddress(words[k]));
                }
            }

            Frames.Free(new FrameAddress(directory));
            table.Directories[i] = 0;
        }

        table.Top = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryPage(ref DescriptorTable table, int number, out Span<Descriptor> page)
    {
        page = default;
        uint index = (uint)number / PageEntries;
        ulong directory = table.Directories[(int)(index / DirectoryEntries)];
        ulong frame = directory == 0 ? 0 : Words(directory)[(int)(index % DirectoryEntries)];
        if (frame == 0)
        {
            return false;
        }

        page = MemoryMarshal.Cast<byte, Descriptor>(Frames.Bytes(new FrameAddress(frame)));
        return true;
    }

    private static Span<ulong> Words(ulong frame) => Hardware.Words(frame);
}
