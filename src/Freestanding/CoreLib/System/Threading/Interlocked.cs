using System.Runtime.CompilerServices;
using Internal.Runtime.CompilerHelpers;

namespace System.Threading
{
    /// <summary>
    /// Atomic operations, sequentially consistent. The compiler emits CASAL, SWPAL, LDADDAL (or exclusive pairs before Armv8.1);
    /// the memory must be Normal and cacheable, which is so once the MMU is on.
    /// </summary>
    public static class Interlocked
    {
        [Intrinsic]
        public static int CompareExchange(ref int location, int value, int comparand)
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            return 0;
        }

        [Intrinsic]
        public static int Exchange(ref int location, int value)
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            return 0;
        }

        [Intrinsic]
        private static int ExchangeAdd(ref int location, int value)
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            return 0;
        }

        public static int Add(ref int location, int value) => ExchangeAdd(ref location, value) + value;

        public static int Increment(ref int location) => Add(ref location, 1);

        public static int Decrement(ref int location) => Add(ref location, -1);

        public static int Read(ref readonly int location) => Volatile.Read(in location);

        /// <summary>Returns the value before.</summary>
        public static int And(ref int location, int value)
        {
            int current = location;
            while (true)
            {
                int seen = CompareExchange(ref location, current & value, current);
                if (seen == current)
                    return seen;
                current = seen;
            }
        }

        /// <summary>Returns the value before.</summary>
        public static int Or(ref int location, int value)
        {
            int current = location;
            while (true)
            {
                int seen = CompareExchange(ref location, current | value, current);
                if (seen == current)
                    return seen;
                current = seen;
            }
        }

        [Intrinsic]
        public static long CompareExchange(ref long location, long value, long comparand)
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            return 0;
        }

        [Intrinsic]
        public static long Exchange(ref long location, long value)
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            return 0;
        }

        [Intrinsic]
        private static long ExchangeAdd(ref long location, long value)
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            return 0;
        }

        public static long Add(ref long location, long value) => ExchangeAdd(ref location, value) + value;

        public static long Increment(ref long location) => Add(ref location, 1);

        public static long Decrement(ref long location) => Add(ref location, -1);

        public static long Read(ref readonly long location) => Volatile.Read(in location);

        /// <summary>Returns the value before.</summary>
        public static long And(ref long location, long value)
        {
            long current = location;
            while (true)
            {
                long seen = CompareExchange(ref location, current & value, current);
                if (seen == current)
                    return seen;
                current = seen;
            }
        }

        /// <summary>Returns the value before.</summary>
        public static long Or(ref long location, long value)
        {
            long current = location;
            while (true)
            {
                long seen = CompareExchange(ref location, current | value, current);
                if (seen == current)
                    return seen;
                current = seen;
            }
        }

        public static uint CompareExchange(ref uint location, uint value, uint comparand) =>
            (uint)CompareExchange(ref Unsafe.As<uint, int>(ref location), (int)value, (int)comparand);

        public static uint Exchange(ref uint location, uint value) => (uint)Exchange(ref Unsafe.As<uint, int>(ref location), (int)value);

        public static uint Add(ref uint location, uint value) => (uint)Add(ref Unsafe.As<uint, int>(ref location), (int)value);

        public static uint Increment(ref uint location) => (uint)Add(ref Unsafe.As<uint, int>(ref location), 1);

        public static uint Decrement(ref uint location) => (uint)Add(ref Unsafe.As<uint, int>(ref location), -1);

        public static uint And(ref uint location, uint value) => (uint)And(ref Unsafe.As<uint, int>(ref location), (int)value);

        public static uint Or(ref uint location, uint value) => (uint)Or(ref Unsafe.As<uint, int>(ref location), (int)value);

        public static uint Read(ref readonly uint location) => Volatile.Read(in location);

        public static ulong CompareExchange(ref ulong location, ulong value, ulong comparand) =>
            (ulong)CompareExchange(ref Unsafe.As<ulong, long>(ref location), (long)value, (long)comparand);

        public static ulong Exchange(ref ulong location, ulong value) => (ulong)Exchange(ref Unsafe.As<ulong, long>(ref location), (long)value);

        public static ulong Add(ref ulong location, ulong value) => (ulong)Add(ref Unsafe.As<ulong, long>(ref location), (long)value);

        public static ulong Increment(ref ulong location) => (ulong)Add(ref Unsafe.As<ulong, long>(ref location), 1);

        public static ulong Decrement(ref ulong location) => (ulong)Add(ref Unsafe.As<ulong, long>(ref location), -1);

        public static ulong And(ref ulong location, ulong value) => (ulong)And(ref Unsafe.As<ulong, long>(ref location), (long)value);

        public static ulong Or(ref ulong location, ulong value) => (ulong)Or(ref Unsafe.As<ulong, long>(ref location), (long)value);

        public static ulong Read(ref readonly ulong location) => Volatile.Read(in location);

        public static nint CompareExchange(ref nint location, nint value, nint comparand) =>
            (nint)CompareExchange(ref Unsafe.As<nint, long>(ref location), (long)value, (long)comparand);

        public static nint Exchange(ref nint location, nint value) => (nint)Exchange(ref Unsafe.As<nint, long>(ref location), (long)value);

        public static nuint CompareExchange(ref nuint location, nuint value, nuint comparand) =>
            (nuint)CompareExchange(ref Unsafe.As<nuint, long>(ref location), (long)value, (long)comparand);

        public static nuint Exchange(ref nuint location, nuint value) => (nuint)Exchange(ref Unsafe.As<nuint, long>(ref location), (long)value);

        /// <summary>DMB ISH: orders all accesses before against all accesses after.</summary>
        [Intrinsic]
        public static void MemoryBarrier() => ThrowHelpers.ThrowPlatformNotSupportedException();
    }
}
