using System;
using System.Runtime.InteropServices;

namespace BlackBox.Monitor;

/// <summary>What is left to do when the firmware is gone (Leave.S): triples (to, from, bytes), ended by zeros. Kept in a page clear of all destinations.</summary>
internal struct Moves(ulong list)
{
    private int _count;

    /// <summary>Address of the list.</summary>
    public readonly ulong List => list;

    /// <summary>Copies whole pages and makes them good for readers with their caches off.</summary>
    public void Add(ulong to, ulong from, ulong bytes)
    {
        if (bytes != 0)    // it would end the list
        {
            Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(Efi.Bytes(new AddressRange { Start = list, Size = BootPlacement.PageSize })).Slice(3 * _count++);
            words[0] = to;
            words[1] = from;
            words[2] = BootPlacement.Pages(bytes);
            words.Slice(3, 3).Clear();
        }
    }

    /// <summary>Only makes a range good for readers with their caches off.</summary>
    public void Clean(ulong at, ulong bytes) => Add(at, at, bytes);
}
