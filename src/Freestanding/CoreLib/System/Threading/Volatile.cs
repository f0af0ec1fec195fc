using System.Runtime.CompilerServices;

namespace System.Threading
{
    /// <summary>Loads with acquire order (LDAR) and stores with release order (STLR).</summary>
    public static class Volatile
    {
        private struct Volatile_bool
        {
            public volatile bool Value;
        }

        private struct Volatile_byte
        {
            public volatile byte Value;
        }

        private struct Volatile_ushort
        {
            public volatile ushort Value;
        }

        private struct Volatile_int
        {
            public volatile int Value;
        }

        private struct Volatile_uint
        {
            public volatile uint Value;
        }

        private struct Volatile_long
        {
            public volatile nint Value;
        }

        private struct Volatile_ulong
        {
            public volatile nuint Value;
        }

        private struct Volatile_nint
        {
            public volatile nint Value;
        }

        private struct Volatile_nuint
        {
            public volatile nuint Value;
        }

        [Intrinsic]
        public static bool Read(ref readonly bool location) =>
            Unsafe.As<bool, Volatile_bool>(ref Unsafe.AsRef(in location)).Value;

        [Intrinsic]
        public static void Write(ref bool location, bool value) =>
            Unsafe.As<bool, Volatile_bool>(ref location).Value = value;

        [Intrinsic]
        public static byte Read(ref readonly byte location) =>
            Unsafe.As<byte, Volatile_byte>(ref Unsafe.AsRef(in location)).Value;

        [Intrinsic]
        public static void Write(ref byte location, byte value) =>
            Unsafe.As<byte, Volatile_byte>(ref location).Value = value;

        [Intrinsic]
        public static ushort Read(ref readonly ushort location) =>
            Unsafe.As<ushort, Volatile_ushort>(ref Unsafe.AsRef(in location)).Value;

        [Intrinsic]
        public static void Write(ref ushort location, ushort value) =>
            Unsafe.As<ushort, Volatile_ushort>(ref location).Value = value;

        [Intrinsic]
        public static int Read(ref readonly int location) =>
            Unsafe.As<int, Volatile_int>(ref Unsafe.AsRef(in location)).Value;

        [Intrinsic]
        public static void Write(ref int location, int value) =>
            Unsafe.As<int, Volatile_int>(ref location).Value = value;

        [Intrinsic]
        public static uint Read(ref readonly uint location) =>
            Unsafe.As<uint, Volatile_uint>(ref Unsafe.AsRef(in location)).Value;

        [Intrinsic]
        public static void Write(ref uint location, uint value) =>
            Unsafe.As<uint, Volatile_uint>(ref location).Value = value;

        [Intrinsic]
        public static long Read(ref readonly long location) =>
            (long)Unsafe.As<long, Volatile_long>(ref Unsafe.AsRef(in location)).Value;

        [Intrinsic]
        public static void Write(ref long location, long value) =>
            Unsafe.As<long, Volatile_long>(ref location).Value = (nint)value;

        [Intrinsic]
        public static ulong Read(ref readonly ulong location) =>
            (ulong)Unsafe.As<ulong, Volatile_ulong>(ref Unsafe.AsRef(in location)).Value;

        [Intrinsic]
        public static void Write(ref ulong location, ulong value) =>
            Unsafe.As<ulong, Volatile_ulong>(ref location).Value = (nuint)value;

        [Intrinsic]
        public static nint Read(ref readonly nint location) =>
            Unsafe.As<nint, Volatile_nint>(ref Unsafe.AsRef(in location)).Value;

        [Intrinsic]
        public static void Write(ref nint location, nint value) =>
            Unsafe.As<nint, Volatile_nint>(ref location).Value = value;

        [Intrinsic]
        public static nuint Read(ref readonly nuint location) =>
            Unsafe.As<nuint, Volatile_nuint>(ref Unsafe.AsRef(in location)).Value;

        [Intrinsic]
        public static void Write(ref nuint location, nuint value) =>
            Unsafe.As<nuint, Volatile_nuint>(ref location).Value = value;
    }
}
