#if BRINGUP
using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

// Bring-up only: a static ELF program read in clear through the OS. The loader of verified programs replaces this file.

/// <summary>Starts the program that the OS's exec named.</summary>
internal static class BringUpLoader
{
    private const int HeaderBytes = 64;
    private const int SegmentBytes = 56;
    private const int StringOrder = 5;
    private const int ReadWrite = 3;
    private const ulong StackBytes = 1 << 20;
    private const ulong DynamicBase = 0x5555_5555_0000;

    /// <summary>Loads it and sets the thread's registers; 0 or -errno.</summary>
    public static long StartFirstProgram(ref Thread thread)
    {
        if (!Frames.Reserve(ref thread, 128) || !Frames.TryAllocateContiguous(StringOrder, out FrameAddress strings)
            || !AddressSpaces.TryCreate(out Handle<AddressSpace> space))
        {
            return -Errno.ENOMEM;
        }

        CodePolicy.AllowsUnverified = true;
        ref Process process = ref Pool<Process>.Get(thread.Process);
        process.Memory = space;
        AddressSpaces.ChooseBases(space, process.StackLimit);
        AddressSpaces.Activate(space);

        Span<byte> area = Hardware.Memory(strings.Value, FrameAddress.Size << StringOrder);
        int bytes = (int)Math.Min(SharedBuffer.ReadHeader(ref thread, BufferLayout.ExecStringBytes), (ulong)thread.ServiceBytes);
        bytes = Math.Min(bytes, area.Length);
        int argumentCount = (int)Math.Min(SharedBuffer.ReadHeader(ref thread, BufferLayout.ExecArgumentCount), 4096);
        int environmentCount = (int)Math.Min(SharedBuffer.ReadHeader(ref thread, BufferLayout.ExecEnvironmentCount), 4096);
        SharedBuffer.CopyFromService(ref thread, area[..bytes]);
        int name = area[..bytes].IndexOf((byte)0);
        if (name <= 0)
        {
            return -Errno.ENOENT;
        }

        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryPut(area[..(name + 1)], out ulong path))
        {
            return -Errno.ENAMETOOLONG;
        }

        long file = Gate.Call(ref thread, Sys.openat, unchecked((ulong)-100), path, 0);
        if (file < 0)
        {
            return file;
        }

        long result = Load(ref thread, (ulong)file, space, out ElfImage image);
        _ = Gate.Call(ref thread, Sys.close, (ulong)file);
        return result < 0 ? result : Enter(ref thread, image, area[(name + 1)..bytes], argumentCount, environmentCount);
    }

    private struct ElfImage
    {
        public ulong Entry;
        public ulong Headers;
        public ulong HeaderCount;
    }

    private static long Load(ref Thread thread, ulong file, Handle<AddressSpace> space, out ElfImage image)
    {
        image = default;
        Span<byte> header = stackalloc byte[HeaderBytes];
        long result = Read(ref thread, file, 0, header);
        if (result < 0)
        {
            return result;
        }

        // Class 64, little-endian, AArch64; the magic is ELF's or the one by which the OS knows our executables.
        bool magic = header[0] == 0x7F && (header[1..4].SequenceEqual("ELF"u8) || header[1..4].SequenceEqual("BBX"u8));
        ushort type = BinaryPrimitives.ReadUInt16LittleEndian(header[16..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(header[56..]);
        if (!magic || header[4] != 2 || header[5] != 1 || BinaryPrimitives.ReadUInt16LittleEndian(header[18..]) != 183
            || type is not (2 or 3) || count is 0 or > 64 || BinaryPrimitives.ReadUInt16LittleEndian(header[54..]) != SegmentBytes)
        {
            return -Errno.ENOEXEC;
        }

        ulong bias = type == 3 ? DynamicBase : 0;
        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
        image.Entry = BinaryPrimitives.ReadUInt64LittleEndian(header[24..]) + bias;
        image.HeaderCount = (ulong)count;
        ulong end = 0;
        for (int i = 0; i < count; i++)
        {
            result = LoadSegment(ref thread, file, table + (ulong)(i * SegmentBytes), bias, table, ref image, ref end);
            if (result < 0)
            {
                return result;
            }
        }

        ref AddressSpace made = ref Pool<AddressSpace>.Get(space);
        made.HeapStart = end + (1 << 20);
        made.Heap = made.HeapStart;
        return 0;
    }

    private static long LoadSegment(ref Thread thread, ulong file, ulong position, ulong bias, ulong table, ref ElfImage image, ref ulong end)
    {
        Span<byte> segment = stackalloc byte[SegmentBytes];
        long result = Read(ref thread, file, position, segment);
        if (result < 0 || BinaryPrimitives.ReadUInt32LittleEndian(segment) != 1)
        {
            return result < 0 ? result : 0;
        }

        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(segment[4..]);
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(segment[8..]);
        ulong address = BinaryPrimitives.ReadUInt64LittleEndian(segment[16..]) + bias;
        ulong fileBytes = BinaryPrimitives.ReadUInt64LittleEndian(segment[32..]);
        ulong memoryBytes = BinaryPrimitives.ReadUInt64LittleEndian(segment[40..]);
        if (fileBytes > memoryBytes || memoryBytes > 1 << 30 || address > 1UL << 46)
        {
            return -Errno.ENOEXEC;
        }

        const ulong Mask = FrameAddress.Size - 1;
        ulong first = address & ~Mask;
        ulong last = (address + memoryBytes + Mask) & ~Mask;
        if (!Frames.Reserve(ref thread, 64) || !AddressSpaces.TryMapAnonymous(ref thread, first, last - first, ReadWrite))
        {
            return -Errno.ENOMEM;
        }

        if (table >= offset && table < offset + fileBytes)
        {
            image.Headers = address + table - offset;
        }

        end = Math.Max(end, last);
        for (ulong done = 0; done < fileBytes;)
        {
            SharedBuffer buffer = new(ref thread);
            int piece = (int)Math.Min(fileBytes - done, (ulong)buffer.Capacity);
            _ = buffer.TryReserve(piece, out int place, out ulong osAddress);
            result = Gate.Call(ref thread, Sys.pread64, file, osAddress, (ulong)piece, offset + done);
            if (result <= 0 || result > piece)
            {
                return result < 0 ? result : -Errno.ENOEXEC;
            }

            if (!buffer.CopyOutToUser(ref thread, place, address + done, (int)result))
            {
                return -Errno.ENOMEM;
            }

            done += (ulong)result;
        }

        // PF_X, PF_W, PF_R are 1, 2, 4; PROT_READ, WRITE, EXEC are 1, 2, 4.
        int protection = (int)(((flags & 4) >> 2) | (flags & 2) | ((flags & 1) << 2));
        return AddressSpaces.TryProtect(ref thread, first, last - first, protection) ? 0 : -Errno.ENOMEM;
    }

    /// <summary>Stack with arguments, environment and auxiliary vector, and the registers of the first instruction.</summary>
    private static long Enter(ref Thread thread, in ElfImage image, ReadOnlySpan<byte> strings, int argumentCount, int environmentCount)
    {
        ulong top = Pool<AddressSpace>.Get(Pool<Process>.Get(thread.Process).Memory).StackTop & ~0xFFFUL;
        if (!AddressSpaces.TryMapAnonymous(ref thread, top - StackBytes, StackBytes, ReadWrite))
        {
            return -Errno.ENOMEM;
        }

        Span<byte> random = stackalloc byte[16];
        Hardware.Random(random);
        ulong randomAddress = top - 16;
        ulong stringsAddress = (randomAddress - (ulong)strings.Length) & ~15UL;
        if (!UserMemory.TryWrite(ref thread, randomAddress, random) || !UserMemory.TryWrite(ref thread, stringsAddress, strings))
        {
            return -Errno.ENOMEM;
        }

        ReadOnlySpan<ulong> auxiliary =
        [
            3, image.Headers, 4, SegmentBytes, 5, image.HeaderCount, 6, FrameAddress.Size, 7, 0, 9, image.Entry,
            11, 0, 12, 0, 13, 0, 14, 0, 16, 0x3, 17, 100, 23, 0, 25, randomAddress, 0, 0,
        ];
        ulong words = (ulong)(1 + argumentCount + 1 + environmentCount + 1 + auxiliary.Length);
        ulong sp = (stringsAddress - (8 * words)) & ~15UL;
        ulong at = sp;
        bool written = UserMemory.TryWrite(ref thread, at, (ulong)argumentCount);
        at += 8;
        int position = 0;
        for (int i = 0; i < argumentCount + environmentCount && written; i++)
        {
            if (i == argumentCount)
            {
                at += 8;
            }

            written = UserMemory.TryWrite(ref thread, at, stringsAddress + (ulong)position);
            at += 8;
            int length = strings[position..].IndexOf((byte)0);
            position = length < 0 ? strings.Length : position + length + 1;
        }

        at = sp + (8 * (ulong)(3 + argumentCount + environmentCount));
        if (!written || !UserMemory.TryWrite(ref thread, at, MemoryMarshal.AsBytes(auxiliary)))
        {
            return -Errno.ENOMEM;
        }

        ref UserRegisters registers = ref thread.Registers;
        registers = default;
        registers.Pc = image.Entry;
        registers.Sp = sp;
        return 0;
    }

    private static long Read(ref Thread thread, ulong file, ulong position, Span<byte> to)
    {
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(to.Length, out int offset, out ulong place);
        long result = Gate.Call(ref thread, Sys.pread64, file, place, (ulong)to.Length, position);
        if (result >= 0 && result != to.Length)
        {
            return -Errno.ENOEXEC;
        }

        buffer.CopyOut(offset, to);
        return result;
    }
}
#endif
