using System.Runtime.CompilerServices;

namespace System.Numerics
{
    public static class BitOperations
    {
        public static bool IsPow2(int value) => (value & (value - 1)) == 0 && value > 0;

        public static bool IsPow2(uint value) => (value & (value - 1)) == 0 && value != 0;

        public static bool IsPow2(long value) => (value & (value - 1)) == 0 && value > 0;

        public static bool IsPow2(ulong value) => (value & (value - 1)) == 0 && value != 0;

        public static bool IsPow2(nuint value) => (value & (value - 1)) == 0 && value != 0;

        [Intrinsic]
        public static int LeadingZeroCount(uint value)
        {
            int count = 32;
            for (; value != 0; value >>= 1)
                count--;
            return count;
        }

        [Intrinsic]
        public static int LeadingZeroCount(ulong value)
        {
            int count = 64;
            for (; value != 0; value >>= 1)
                count--;
            return count;
        }

        [Intrinsic]
        public static int TrailingZeroCount(uint value) => value == 0 ? 32 : 31 - LeadingZeroCount(value & (~value + 1));

        [Intrinsic]
        public static int TrailingZeroCount(int value) => TrailingZeroCount((uint)value);

        [Intrinsic]
        public static int TrailingZeroCount(ulong value) => value == 0 ? 64 : 63 - LeadingZeroCount(value & (~value + 1));

        [Intrinsic]
        public static int TrailingZeroCount(long value) => TrailingZeroCount((ulong)value);

        public static int Log2(uint value) => 31 - LeadingZeroCount(value | 1);

        public static int Log2(ulong value) => 63 - LeadingZeroCount(value | 1);

        // Not an intrinsic: the instruction for it works on a vector register, which the monitor may not touch.
        public static int PopCount(uint value)
        {
            value -= (value >> 1) & 0x55555555;
            value = (value & 0x33333333) + ((value >> 2) & 0x33333333);
            return (int)((((value + (value >> 4)) & 0x0f0f0f0f) * 0x01010101) >> 24);
        }

        public static int PopCount(ulong value) => PopCount((uint)value) + PopCount((uint)(value >> 32));

        public static uint RotateLeft(uint value, int offset) => (value << offset) | (value >> (32 - offset));

        public static ulong RotateLeft(ulong value, int offset) => (value << offset) | (value >> (64 - offset));

        public static uint RotateRight(uint value, int offset) => (value >> offset) | (value << (32 - offset));

        public static ulong RotateRight(ulong value, int offset) => (value >> offset) | (value << (64 - offset));

        public static uint RoundUpToPowerOf2(uint value) => (uint)(0x1_0000_0000UL >> LeadingZeroCount(value - 1));
    }
}
