using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace BlackBox.Shield;

/// <summary>
/// The thread's shared buffer, the part of its data area that forwarded calls use. The OS can change every byte of it at
/// any time: all that is read from here is copied into private memory once, then checked, then used.
/// </summary>
internal ref struct SharedBuffer
{
    private const int Alignment = 16;

    private readonly ulong osData;
    private readonly Span<byte> data;
    private int used;

    public SharedBuffer(ref Thread thread)
    {
        int start = BufferLayout.HeaderSize + thread.ServiceBytes;
        data = Hardware.Memory(thread.BufferAddress + (ulong)start, thread.DataBytes - thread.ServiceBytes);
        osData = thread.OsBuffer + (ulong)start;
        used = 0;
    }

    /// <summary>Bytes still free.</summary>
    public readonly int Capacity => data.Length - used;

    /// <summary>Reserves room for the OS to write to. Offsets are 16-byte aligned.</summary>
    public bool TryReserve(int bytes, out int offset, out ulong osAddress)
    {
        offset = used;
        osAddress = osData + (ulong)used;
        if (bytes < 0 || bytes > data.Length - used)
        {
            return false;
        }

        used = Math.Min(data.Length, used + ((bytes + Alignment - 1) & ~(Alignment - 1)));
        return true;
    }

    public bool TryPut(scoped ReadOnlySpan<byte> bytes, out ulong osAddress)
    {
        if (!TryReserve(bytes.Length, out int offset, out osAddress))
        {
            return false;
        }

        bytes.CopyTo(data.Slice(offset, bytes.Length));
        return true;
    }

    /// <summary>Copies from the buffer, once.</summary>
    public readonly void CopyOut(int offset, scoped Span<byte> to) => data.Slice(offset, to.Length).CopyTo(to);

    /// <summary>Copies into room reserved before.</summary>
    public readonly void CopyIn(int offset, scoped ReadOnlySpan<byte> from) => from.CopyTo(data.Slice(offset, from.Length));

    /// <summary>Copies user memory in. False: no room, or EFAULT.</summary>
    public bool TryPutUser(ref Thread thread, ulong userAddress, int length, out ulong osAddress) =>
        TryReserve(length, out int offset, out osAddress) && TryFillFromUser(ref thread, offset, userAddress, length);

    /// <summary>Fills room reserved before with user memory.</summary>
    public readonly bool TryFillFromUser(ref Thread thread, int offset, ulong userAddress, int length) =>
        UserMemory.TryRead(ref thread, userAddress, data.Slice(offset, length));

    /// <summary>Copies to user memory. False: EFAULT.</summary>
    public readonly bool CopyOutToUser(ref Thread thread, int offset, ulong userAddress, int length) =>
        UserMemory.TryWrite(ref thread, userAddress, data.Slice(offset, length));

    /// <summary>Room reserved before, for copying to or from. The OS changes it at will: never look at a byte twice.</summary>
    public readonly Span<byte> Region(int offset, int length) => data.Slice(offset, length);

    /// <summary>Copies a structure in.</summary>
    public bool TryPut<T>(T value, out ulong osAddress)
        where T : unmanaged =>
        TryPut(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref value, 1)), out osAddress);

    /// <summary>Copies a structure into room reserved before.</summary>
    public readonly void Store<T>(int offset, T value)
        where T : unmanaged =>
        CopyIn(offset, MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref value, 1)));

    /// <summary>Copies a structure out, once.</summary>
    public readonly T Take<T>(int offset)
        where T : unmanaged
    {
        T value = default;
        CopyOut(offset, MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref value, 1)));
        return value;
    }

    /// <summary>Reads a word of the header, once.</summary>
    public static ulong ReadHeader(ref Thread thread, int offset) =>
        Volatile.Read(ref Word(ref thread, offset));

    public static void WriteHeader(ref Thread thread, int offset, ulong value) =>
        Volatile.Write(ref Word(ref thread, offset), value);

    public static void ReadRange(ref Thread thread, int index, out ulong address, out ulong frames)
    {
        address = ReadHeader(ref thread, BufferLayout.Ranges + (16 * index));
        frames = ReadHeader(ref thread, BufferLayout.Ranges + (16 * index) + 8);
    }

    public static void WriteRange(ref Thread thread, int index, ulong address, ulong frames)
    {
        WriteHeader(ref thread, BufferLayout.Ranges + (16 * index), address);
        WriteHeader(ref thread, BufferLayout.Ranges + (16 * index) + 8, frames);
    }

    /// <summary>The services' part of the data area: at most <see cref="Thread.ServiceBytes"/>.</summary>
    public static void CopyFromService(ref Thread thread, Span<byte> to) =>
        Hardware.Memory(thread.BufferAddress + BufferLayout.HeaderSize, thread.ServiceBytes)[..to.Length].CopyTo(to);

    /// <summary>As above, from an offset on.</summary>
    public static void CopyFromService(ref Thread thread, int offset, Span<byte> to) =>
        Hardware.Memory(thread.BufferAddress + BufferLayout.HeaderSize, thread.ServiceBytes).Slice(offset, to.Length).CopyTo(to);

    /// <summary>The services' part itself, which the OS changes at will: each byte may be looked at once.</summary>
    public static ReadOnlySpan<byte> ServiceRegion(ref Thread thread, int offset, int length) =>
        Hardware.Memory(thread.BufferAddress + BufferLayout.HeaderSize, thread.ServiceBytes).Slice(offset, length);

    /// <summary>From the start of the whole data area: what the module left there before the first program (execStringBytes).</summary>
    public static void CopyFromStart(ref Thread thread, Span<byte> to) =>
        Hardware.Memory(thread.BufferAddress + BufferLayout.HeaderSize, thread.DataBytes)[..to.Length].CopyTo(to);

    public static void CopyToService(ref Thread thread, ReadOnlySpan<byte> from) =>
        from.CopyTo(Hardware.Memory(thread.BufferAddress + BufferLayout.HeaderSize, thread.ServiceBytes));

    private static ref ulong Word(ref Thread thread, int offset) =>
        ref Hardware.Reference<ulong>(thread.BufferAddress + (uint)Math.Clamp(offset, 0, BufferLayout.HeaderSize - sizeof(ulong)));
}
