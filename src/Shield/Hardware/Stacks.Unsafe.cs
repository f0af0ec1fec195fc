using System;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>
/// Kernel stacks: slot n belongs to entry n of the thread pool. 32 KiB mapped below an address, 32 KiB of nothing below them.
/// A slot's frames stay for its next thread. Numbers as in Start/Layout.inc.
/// </summary>
internal static class Stacks
{
    private const ulong Area = 0xFFFF_FFFF_C400_0000;
    private const ulong SlotBytes = 0x1_0000;
    private const int StackFrames = 8;
    private const int SlotFrames = 16;
    private const int SlotsPerTable = 32;
    private const int FirstEntry = 32;
    private const int MaxSlots = 512;

    /// <summary>Page, access flag, inner shareable, Normal, EL1 read-write, never executable.</summary>
    private const ulong PageEntry = 0x0060_0000_0000_0703;

    private const ulong TableEntry = 3;
    private const ulong AddressMask = 0x0000_FFFF_FFFF_F000;

    private static ulong level2;

    /// <summary>IPA of the level-2 table of the last GiB, made by the boot stub.</summary>
    public static void Start(ulong table) => level2 = table;

    /// <summary>Top of a slot's stack. Maps it if it is new. False: no memory.</summary>
    public static bool TryGet(int slot, out ulong top)
    {
        top = Area + ((ulong)(uint)(slot + 1) * SlotBytes);
        if ((uint)slot >= MaxSlots)
        {
            return false;
        }

        ref ulong tableEntry = ref Entries(level2)[FirstEntry + (slot / SlotsPerTable)];
        if (tableEntry == 0)
        {
            if (!Frames.TryAllocate(out FrameAddress table))
            {
                return false;
            }

            Hardware.TableBarrier();
            tableEntry = table.Value | TableEntry;
        }

        Span<ulong> pages = Entries(tableEntry & AddressMask)
            .Slice((slot % SlotsPerTable * SlotFrames) + SlotFrames - StackFrames, StackFrames);
        for (int i = 0; i < pages.Length; i++)
        {
            if (pages[i] != 0)
            {
                continue;
            }

            if (!Frames.TryAllocate(out FrameAddress page))
            {
                // What was mapped stays for the next attempt.
                Hardware.TableBarrier();
                return false;
            }

            pages[i] = page.Value | PageEntry;
        }

        Hardware.TableBarrier();
        return true;
    }

    private static Span<ulong> Entries(ulong table) => MemoryMarshal.Cast<byte, ulong>(Frames.Bytes(new FrameAddress(table)));
}
