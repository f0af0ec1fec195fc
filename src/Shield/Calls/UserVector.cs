using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>
/// An iovec array of the program, copied once into frames of its own, and a position in the bytes that it describes.
/// Freed with <see cref="Free"/> on every way out.
/// </summary>
internal struct UserVector
{
    /// <summary>Most entries (UIO_MAXIOV) and most bytes of one call (MAX_RW_COUNT).</summary>
    public const int MaxEntries = 1024;
    public const ulong MaxBytes = 0x7FFF_F000;

    private const int EntryBytes = 16;

    private FrameAddress frames;
    private int order;
    private int count;
    private int index;
    private ulong offset;

    /// <summary>Bytes from the position to the end.</summary>
    public ulong Left { get; private set; }

    /// <summary>Copies and checks the array: 0 or -errno.</summary>
    public static long Read(ref Thread thread, ulong address, ulong entries, out UserVector vector)
    {
        vector = default;
        if (entries > MaxEntries)
        {
            return -Errno.EINVAL;
        }

        vector.count = (int)entries;
        vector.order = entries <= FrameAddress.Size / EntryBytes ? 0 : 2;
        if (!Frames.Reserve(ref thread, 1 << vector.order) || !Frames.TryAllocateContiguous(vector.order, out vector.frames))
        {
            return -Errno.ENOMEM;
        }

        Span<byte> array = Hardware.Memory(vector.frames.Value, vector.count * EntryBytes);
        long error = UserMemory.TryRead(ref thread, address, array) ? vector.Check(array) : -Errno.EFAULT;
        if (error != 0)
        {
            vector.Free();
        }

        return error;
    }

    public void Free()
    {
        if (!frames.IsNull)
        {
            Frames.Free(frames, order);
            frames = default;
        }
    }

    /// <summary>Copies from the program and moves on; fewer bytes than asked: a fault, or the end.</summary>
    public int Gather(ref Thread thread, Span<byte> to)
    {
        int done = 0;
        while (done < to.Length && TryCurrent(out ulong address, out ulong left))
        {
            int step = (int)Math.Min((ulong)(to.Length - done), left);
            int copied = UserMemory.ReadUpTo(ref thread, address, to.Slice(done, step));
            Advance(copied);
            done += copied;
            if (copied < step)
            {
                break;
            }
        }

        return done;
    }

    /// <summary>Copies to the program and moves on; fewer bytes than given: a fault.</summary>
    public int Scatter(ref Thread thread, ReadOnlySpan<byte> from)
    {
        int done = 0;
        while (done < from.Length && TryCurrent(out ulong address, out ulong left))
        {
            int step = (int)Math.Min((ulong)(from.Length - done), left);
            int copied = UserMemory.WriteUpTo(ref thread, address, from.Slice(done, step));
            Advance(copied);
            done += copied;
            if (copied < step)
            {
                break;
            }
        }

        return done;
    }

    /// <summary>Moves on by bytes that were copied before.</summary>
    public void Skip(int bytes)
    {
        while (bytes > 0 && TryCurrent(out _, out ulong left))
        {
            int step = (int)Math.Min((ulong)bytes, left);
            Advance(step);
            bytes -= step;
        }
    }

    /// <summary>Sums the lengths up; what exceeds the limit of one call is cut, as Linux does.</summary>
    private long Check(Span<byte> array)
    {
        ulong total = 0;
        for (int i = 0; i < count; i++)
        {
            Span<byte> length = array.Slice((i * EntryBytes) + 8, 8);
            ulong bytes = BinaryPrimitives.ReadUInt64LittleEndian(length);
            if ((long)bytes < 0)
            {
                return -Errno.EINVAL;
            }

            bytes = Math.Min(bytes, MaxBytes - total);
            BinaryPrimitives.WriteUInt64LittleEndian(length, bytes);
            total += bytes;
        }

        Left = total;
        return 0;
    }

    /// <summary>The piece at the position, past empty ones.</summary>
    private bool TryCurrent(out ulong address, out ulong left)
    {
        while (index < count)
        {
            ReadOnlySpan<byte> entry = Hardware.Memory(frames.Value + (ulong)(index * EntryBytes), EntryBytes);
            address = BinaryPrimitives.ReadUInt64LittleEndian(entry) + offset;
            left = BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]) - offset;
            if (left != 0)
            {
                return true;
            }

            index++;
            offset = 0;
        }

        address = 0;
        left = 0;
        return false;
    }

    private void Advance(int bytes)
    {
        offset += (ulong)bytes;
        Left -= (ulong)bytes;
    }
}
