namespace System
{
    public static class Math
    {
        public static sbyte Min(sbyte left, sbyte right) => left <= right ? left : right;

        public static sbyte Max(sbyte left, sbyte right) => left >= right ? left : right;

        public static byte Min(byte left, byte right) => left <= right ? left : right;

        public static byte Max(byte left, byte right) => left >= right ? left : right;

        public static short Min(short left, short right) => left <= right ? left : right;

        public static short Max(short left, short right) => left >= right ? left : right;

        public static ushort Min(ushort left, ushort right) => left <= right ? left : right;

        public static ushort Max(ushort left, ushort right) => left >= right ? left : right;

        public static int Min(int left, int right) => left <= right ? left : right;

        public static int Max(int left, int right) => left >= right ? left : right;

        public static uint Min(uint left, uint right) => left <= right ? left : right;

        public static uint Max(uint left, uint right) => left >= right ? left : right;

        public static long Min(long left, long right) => left <= right ? left : right;

        public static long Max(long left, long right) => left >= right ? left : right;

        public static ulong Min(ulong left, ulong right) => left <= right ? left : right;

        public static ulong Max(ulong left, ulong right) => left >= right ? left : right;

        public static nint Min(nint left, nint right) => left <= right ? left : right;

        public static nint Max(nint left, nint right) => left >= right ? left : right;

        public static nuint Min(nuint left, nuint right) => left <= right ? left : right;

        public static nuint Max(nuint left, nuint right) => left >= right ? left : right;

        public static int Abs(int value)
        {
            if (value == int.MinValue)
                Internal.Runtime.CompilerHelpers.ThrowHelpers.ThrowOverflowException();
            return value < 0 ? -value : value;
        }

        public static long Abs(long value)
        {
            if (value == long.MinValue)
                Internal.Runtime.CompilerHelpers.ThrowHelpers.ThrowOverflowException();
            return value < 0 ? -value : value;
        }

        public static int Clamp(int value, int min, int max) => value < min ? min : value > max ? max : value;

        public static ulong Clamp(ulong value, ulong min, ulong max) => value < min ? min : value > max ? max : value;

        public static ulong BigMul(uint left, uint right) => (ulong)left * right;

        public static long BigMul(int left, int right) => (long)left * right;

        /// <summary>The 128-bit product: the upper half is returned.</summary>
        public static ulong BigMul(ulong left, ulong right, out ulong low)
        {
            low = left * right;
            return System.Runtime.Intrinsics.Arm.ArmBase.Arm64.MultiplyHigh(left, right);
        }

        public static (ulong Quotient, ulong Remainder) DivRem(ulong left, ulong right)
        {
            ulong quotient = left / right;
            return (quotient, left - quotient * right);
        }

        public static (uint Quotient, uint Remainder) DivRem(uint left, uint right)
        {
            uint quotient = left / right;
            return (quotient, left - quotient * right);
        }
    }
}
