using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace System.Buffers.Binary
{
    /// <summary>Integers in bytes of a stated order. The machine is little-endian.</summary>
    public static class BinaryPrimitives
    {
        public static byte ReverseEndianness(byte value) => value;

        [Intrinsic]
        public static ushort ReverseEndianness(ushort value) => (ushort)((value >> 8) | (value << 8));

        [Intrinsic]
        public static short ReverseEndianness(short value) => (short)ReverseEndianness((ushort)value);

        [Intrinsic]
        public static uint ReverseEndianness(uint value) =>
            (value >> 24) | ((value >> 8) & 0xff00) | ((value << 8) & 0xff0000) | (value << 24);

        [Intrinsic]
        public static int ReverseEndianness(int value) => (int)ReverseEndianness((uint)value);

        [Intrinsic]
        public static ulong ReverseEndianness(ulong value) =>
            ((ulong)ReverseEndianness((uint)value) << 32) | ReverseEndianness((uint)(value >> 32));

        [Intrinsic]
        public static long ReverseEndianness(long value) => (long)ReverseEndianness((ulong)value);

        public static short ReadInt16LittleEndian(ReadOnlySpan<byte> source) => MemoryMarshal.Read<short>(source);

        public static short ReadInt16BigEndian(ReadOnlySpan<byte> source) => ReverseEndianness(MemoryMarshal.Read<short>(source));

        public static bool TryReadInt16LittleEndian(ReadOnlySpan<byte> source, out short value) => MemoryMarshal.TryRead(source, out value);

        public static void WriteInt16LittleEndian(Span<byte> destination, short value) => MemoryMarshal.Write(destination, in value);

        public static void WriteInt16BigEndian(Span<byte> destination, short value)
        {
            short reversed = ReverseEndianness(value);
            MemoryMarshal.Write(destination, in reversed);
        }

        public static ushort ReadUInt16LittleEndian(ReadOnlySpan<byte> source) => MemoryMarshal.Read<ushort>(source);

        public static ushort ReadUInt16BigEndian(ReadOnlySpan<byte> source) => ReverseEndianness(MemoryMarshal.Read<ushort>(source));

        public static bool TryReadUInt16LittleEndian(ReadOnlySpan<byte> source, out ushort value) => MemoryMarshal.TryRead(source, out value);

        public static void WriteUInt16LittleEndian(Span<byte> destination, ushort value) => MemoryMarshal.Write(destination, in value);

        public static void WriteUInt16BigEndian(Span<byte> destination, ushort value)
        {
            ushort reversed = ReverseEndianness(value);
            MemoryMarshal.Write(destination, in reversed);
        }

        public static int ReadInt32LittleEndian(ReadOnlySpan<byte> source) => MemoryMarshal.Read<int>(source);

        public static int ReadInt32BigEndian(ReadOnlySpan<byte> source) => ReverseEndianness(MemoryMarshal.Read<int>(source));

        public static bool TryReadInt32LittleEndian(ReadOnlySpan<byte> source, out int value) => MemoryMarshal.TryRead(source, out value);

        public static void WriteInt32LittleEndian(Span<byte> destination, int value) => MemoryMarshal.Write(destination, in value);

        public static void WriteInt32BigEndian(Span<byte> destination, int value)
        {
            int reversed = ReverseEndianness(value);
            MemoryMarshal.Write(destination, in reversed);
        }

        public static uint ReadUInt32LittleEndian(ReadOnlySpan<byte> source) => MemoryMarshal.Read<uint>(source);

        public static uint ReadUInt32BigEndian(ReadOnlySpan<byte> source) => ReverseEndianness(MemoryMarshal.Read<uint>(source));

        public static bool TryReadUInt32LittleEndian(ReadOnlySpan<byte> source, out uint value) => MemoryMarshal.TryRead(source, out value);

        public static void WriteUInt32LittleEndian(Span<byte> destination, uint value) => MemoryMarshal.Write(destination, in value);

        public static void WriteUInt32BigEndian(Span<byte> destination, uint value)
        {
            uint reversed = ReverseEndianness(value);
            MemoryMarshal.Write(destination, in reversed);
        }

        public static long ReadInt64LittleEndian(ReadOnlySpan<byte> source) => MemoryMarshal.Read<long>(source);

        public static long ReadInt64BigEndian(ReadOnlySpan<byte> source) => ReverseEndianness(MemoryMarshal.Read<long>(source));

        public static bool TryReadInt64LittleEndian(ReadOnlySpan<byte> source, out long value) => MemoryMarshal.TryRead(source, out value);

        public static void WriteInt64LittleEndian(Span<byte> destination, long value) => MemoryMarshal.Write(destination, in value);

        public static void WriteInt64BigEndian(Span<byte> destination, long value)
        {
            long reversed = ReverseEndianness(value);
            MemoryMarshal.Write(destination, in reversed);
        }

        public static ulong ReadUInt64LittleEndian(ReadOnlySpan<byte> source) => MemoryMarshal.Read<ulong>(source);

        public static ulong ReadUInt64BigEndian(ReadOnlySpan<byte> source) => ReverseEndianness(MemoryMarshal.Read<ulong>(source));

        public static bool TryReadUInt64LittleEndian(ReadOnlySpan<byte> source, out ulong value) => MemoryMarshal.TryRead(source, out value);

        public static void WriteUInt64LittleEndian(Span<byte> destination, ulong value) => MemoryMarshal.Write(destination, in value);

        public static void WriteUInt64BigEndian(Span<byte> destination, ulong value)
        {
            ulong reversed = ReverseEndianness(value);
            MemoryMarshal.Write(destination, in reversed);
        }
    }
}
