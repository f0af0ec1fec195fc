using System.Runtime.CompilerServices;

namespace System.Collections.Generic
{
    /// <summary>What the compiler compares the fields of record structs with.</summary>
    public abstract class EqualityComparer<T>
    {
        private static readonly DefaultEqualityComparer<T> s_default = new();

        public static EqualityComparer<T> Default => s_default;

        public abstract bool Equals(T? left, T? right);

        public abstract int GetHashCode(T value);
    }

    internal sealed class DefaultEqualityComparer<T> : EqualityComparer<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public override bool Equals(T? left, T? right)
        {
            if (typeof(T) == typeof(bool) || typeof(T) == typeof(byte) || typeof(T) == typeof(sbyte))
                return Unsafe.As<T?, byte>(ref left) == Unsafe.As<T?, byte>(ref right);
            if (typeof(T) == typeof(ushort) || typeof(T) == typeof(short) || typeof(T) == typeof(char))
                return Unsafe.As<T?, ushort>(ref left) == Unsafe.As<T?, ushort>(ref right);
            if (typeof(T) == typeof(uint) || typeof(T) == typeof(int))
                return Unsafe.As<T?, uint>(ref left) == Unsafe.As<T?, uint>(ref right);
            if (typeof(T) == typeof(ulong) || typeof(T) == typeof(long) || typeof(T) == typeof(nint) || typeof(T) == typeof(nuint))
                return Unsafe.As<T?, ulong>(ref left) == Unsafe.As<T?, ulong>(ref right);
            if (typeof(T).IsEnum)
            {
                return Unsafe.SizeOf<T>() switch
                {
                    1 => Unsafe.As<T?, byte>(ref left) == Unsafe.As<T?, byte>(ref right),
                    2 => Unsafe.As<T?, ushort>(ref left) == Unsafe.As<T?, ushort>(ref right),
                    4 => Unsafe.As<T?, uint>(ref left) == Unsafe.As<T?, uint>(ref right),
                    _ => Unsafe.As<T?, ulong>(ref left) == Unsafe.As<T?, ulong>(ref right),
                };
            }
            // The cast looks like boxing; for a struct the compiler calls the method directly (else the image does not link).
            return ((IEquatable<T>)left!).Equals(right);
        }

        public override int GetHashCode(T value) => 0;
    }
}
