using System;
using System.Runtime.InteropServices;
using BlackBox.Freestanding;

namespace BlackBox.Monitor;

/// <summary>What is left to do when the firmware is gone (Leave.S): triples (to, from, bytes), ended by zeros. Kept in pages clear of all destinations.</summary>
internal struct Moves(ulong list)
{
    /// <summary>Bytes that the list needs.</summary>
    public const ulong Bytes = (Maximum + 1) * 24;

    private const int Maximum = 8;

    private int _count;

    /// <summary>Address of the list.</summary>
    public readonly ulong List => list;

    /// <summary>Copies whole pages and makes them good for readers with their caches off.</summary>
    public void Add(ulong to, ulong from, ulong bytes)
    {
        if (bytes == 0)
        {
            return;    // it would end the list
        }

        Panic.Unless(_count < Maximum, "too many moves"u8);
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(Efi.Bytes(new AddressRange { Start = list, Size = Bytes }));
        int at = 3 * _count++;
        words[at] = to;
        words[at + 1] = from;
        words[at + 2] = BootPlacement.Pages(bytes);
        words.Slice(at + 3, 3).Clear();
    }

    /// <summary>Only makes a range good for readers with their caches off.</summary>
    public void Clean(ulong at, ulong bytes) => Add(at, at, bytes);
}
