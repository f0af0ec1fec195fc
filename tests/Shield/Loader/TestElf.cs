using System;
using System.Buffers.Binary;
using System.Text;

namespace BlackBox.Shield.Tests;

/// <summary>Small ELF files for AArch64: code, data with a .bss of three pages, and what a test wants besides.</summary>
internal static class TestElf
{
    public const ulong CodeBytes = 9000;
    public const ulong DataOffset = 12288 + 0x300;
    public const ulong DataBytes = 500;
    public const ulong DataMemory = 500 + (3 * 4096);
    private const int Header = 64;
    private const int Entry = 56;

    /// <summary>Offset of the entry point in the code.</summary>
    public const ulong Start = 0x400;

    public static ulong DataAt(ulong low) => low + 0x2_0000 + (DataOffset & 0xFFF);

    /// <summary>Byte of the file at an offset behind the headers.</summary>
    public static byte ByteAt(ulong offset, int seed) => (byte)((offset * 7) + (ulong)seed + (offset >> 8));

    /// <param name="low">First address: 0 makes a position-independent file.</param>
    public static byte[] Make(ulong low, int seed, string? interpreter = null, bool executableStack = false, ulong alignment = 0x1_0000)
    {
        byte[] bytes = new byte[DataOffset + DataBytes];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = ByteAt((ulong)i, seed);
        }

        Span<byte> head = bytes.AsSpan(0, Header + (5 * Entry));
        head.Clear();
        "\u007fELF"u8.CopyTo(head);
        head[4] = 2;
        head[5] = 1;
        head[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(head[16..], (ushort)(low == 0 ? 3 : 2));
        BinaryPrimitives.WriteUInt16LittleEndian(head[18..], 183);
        BinaryPrimitives.WriteUInt32LittleEndian(head[20..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(head[24..], low + Start);
        BinaryPrimitives.WriteUInt64LittleEndian(head[32..], Header);
        BinaryPrimitives.WriteUInt16LittleEndian(head[52..], Header);
        BinaryPrimitives.WriteUInt16LittleEndian(head[54..], Entry);
        int count = 0;
        if (interpreter is not null)
        {
            byte[] name = Encoding.UTF8.GetBytes(interpreter + "\0");
            name.CopyTo(bytes, 0x300);
            Put(bytes, ref count, 3, 4, 0x300, low + 0x300, (ulong)name.Length, (ulong)name.Length, 1);
        }

        Put(bytes, ref count, 1, 5, 0, low, CodeBytes, CodeBytes, alignment);
        Put(bytes, ref count, 1, 6, DataOffset, DataAt(low), DataBytes, DataMemory, alignment);
        Put(bytes, ref count, 0x6474_E551, executableStack ? 7u : 6u, 0, 0, 0, 0, 16);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(56), (ushort)count);
        return bytes;
    }

    private static void Put(byte[] bytes, ref int count, uint type, uint flags, ulong offset, ulong address, ulong file, ulong memory, ulong alignment)
    {
        Span<byte> to = bytes.AsSpan(Header + (count++ * Entry), Entry);
        BinaryPrimitives.WriteUInt32LittleEndian(to, type);
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], flags);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], offset);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(to[32..], file);
        BinaryPrimitives.WriteUInt64LittleEndian(to[40..], memory);
        BinaryPrimitives.WriteUInt64LittleEndian(to[48..], alignment);
    }
}
