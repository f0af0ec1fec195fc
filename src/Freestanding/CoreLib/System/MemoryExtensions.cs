using System.Runtime.CompilerServices;

namespace System
{
    public static class MemoryExtensions
    {
        public static Span<T> AsSpan<T>(this T[]? array) => new(array);

        public static Span<T> AsSpan<T>(this T[]? array, int start) => new Span<T>(array).Slice(start);

        public static Span<T> AsSpan<T>(this T[]? array, int start, int length) => new(array, start, length);

        public static ReadOnlySpan<char> AsSpan(this string? text) => text;

        public static bool SequenceEqual<T>(this ReadOnlySpan<T> span, ReadOnlySpan<T> other) where T : IEquatable<T>
        {
            if (span.Length != other.Length)
                return false;
            // Every byte of these types is value; other types decide for themselves.
            if (typeof(T) == typeof(byte) || typeof(T) == typeof(sbyte) || typeof(T) == typeof(ushort) || typeof(T) == typeof(short)
                || typeof(T) == typeof(uint) || typeof(T) == typeof(int) || typeof(T) == typeof(ulong) || typeof(T) == typeof(long)
                || typeof(T) == typeof(char))
            {
                return SpanHelpers.SequenceEqual(ref Unsafe.As<T, byte>(ref span._reference), ref Unsafe.As<T, byte>(ref other._reference),
                    (nuint)(uint)span.Length * (uint)Unsafe.SizeOf<T>());
            }
            for (int i = 0; i < span.Length; i++)
            {
                if (!span[i].Equals(other[i]))
                    return false;
            }
            return true;
        }

        public static bool SequenceEqual<T>(this Span<T> span, ReadOnlySpan<T> other) where T : IEquatable<T> =>
            SequenceEqual((ReadOnlySpan<T>)span, other);

        public static bool StartsWith<T>(this ReadOnlySpan<T> span, ReadOnlySpan<T> value) where T : IEquatable<T> =>
            value.Length <= span.Length && SequenceEqual(span.Slice(0, value.Length), value);

        public static bool StartsWith<T>(this Span<T> span, ReadOnlySpan<T> value) where T : IEquatable<T> =>
            StartsWith((ReadOnlySpan<T>)span, value);

        public static bool EndsWith<T>(this ReadOnlySpan<T> span, ReadOnlySpan<T> value) where T : IEquatable<T> =>
            value.Length <= span.Length && SequenceEqual(span.Slice(span.Length - value.Length), value);

        public static bool EndsWith<T>(this Span<T> span, ReadOnlySpan<T> value) where T : IEquatable<T> =>
            EndsWith((ReadOnlySpan<T>)span, value);

        public static int IndexOf<T>(this ReadOnlySpan<T> span, T value) where T : IEquatable<T>
        {
            for (int i = 0; i < span.Length; i++)
            {
                if (value.Equals(span[i]))
                    return i;
            }
            return -1;
        }

        public static int IndexOf<T>(this Span<T> span, T value) where T : IEquatable<T> => IndexOf((ReadOnlySpan<T>)span, value);

        public static int IndexOf<T>(this ReadOnlySpan<T> span, ReadOnlySpan<T> value) where T : IEquatable<T>
        {
            for (int i = 0; i + value.Length <= span.Length; i++)
            {
                if (SequenceEqual(span.Slice(i, value.Length), value))
                    return i;
            }
            return -1;
        }

        public static int LastIndexOf<T>(this ReadOnlySpan<T> span, T value) where T : IEquatable<T>
        {
            for (int i = span.Length - 1; i >= 0; i--)
            {
                if (value.Equals(span[i]))
                    return i;
            }
            return -1;
        }

        public static int LastIndexOf<T>(this Span<T> span, T value) where T : IEquatable<T> => LastIndexOf((ReadOnlySpan<T>)span, value);

        public static bool Contains<T>(this ReadOnlySpan<T> span, T value) where T : IEquatable<T> => IndexOf(span, value) >= 0;

        public static bool Contains<T>(this Span<T> span, T value) where T : IEquatable<T> => IndexOf((ReadOnlySpan<T>)span, value) >= 0;

        public static int IndexOfAnyExcept<T>(this ReadOnlySpan<T> span, T value) where T : IEquatable<T>
        {
            for (int i = 0; i < span.Length; i++)
            {
                if (!value.Equals(span[i]))
                    return i;
            }
            return -1;
        }

        public static int IndexOfAnyExcept<T>(this Span<T> span, T value) where T : IEquatable<T> =>
            IndexOfAnyExcept((ReadOnlySpan<T>)span, value);

        public static int IndexOfAnyExceptInRange<T>(this ReadOnlySpan<T> span, T lowInclusive, T highInclusive) where T : IComparable<T>
        {
            for (int i = 0; i < span.Length; i++)
            {
                if (lowInclusive.CompareTo(span[i]) > 0 || highInclusive.CompareTo(span[i]) < 0)
                    return i;
            }
            return -1;
        }

        public static int IndexOfAny<T>(this Span<T> span, T value0, T value1) where T : IEquatable<T>
        {
            for (int i = 0; i < span.Length; i++)
            {
                if (value0.Equals(span[i]) || value1.Equals(span[i]))
                    return i;
            }
            return -1;
        }

        public static bool ContainsAnyExcept<T>(this ReadOnlySpan<T> span, T value) where T : IEquatable<T> =>
            IndexOfAnyExcept(span, value) >= 0;

        public static bool ContainsAnyExcept<T>(this Span<T> span, T value) where T : IEquatable<T> =>
            IndexOfAnyExcept((ReadOnlySpan<T>)span, value) >= 0;

        public static int SequenceCompareTo<T>(this ReadOnlySpan<T> span, ReadOnlySpan<T> other) where T : IComparable<T>
        {
            int length = Math.Min(span.Length, other.Length);
            for (int i = 0; i < length; i++)
            {
                int order = span[i].CompareTo(other[i]);
                if (order != 0)
                    return order;
            }
            return span.Length.CompareTo(other.Length);
        }

        public static bool Overlaps<T>(this ReadOnlySpan<T> span, ReadOnlySpan<T> other)
        {
            if (span.IsEmpty || other.IsEmpty)
                return false;
            nint distance = Unsafe.ByteOffset(ref span._reference, ref other._reference);
            return (nuint)distance < (nuint)(uint)span.Length * (uint)Unsafe.SizeOf<T>()
                || (nuint)distance > (nuint)(-(nint)((nuint)(uint)other.Length * (uint)Unsafe.SizeOf<T>()));
        }

        public static void Reverse<T>(this Span<T> span)
        {
            for (int i = 0, j = span.Length - 1; i < j; i++, j--)
                (span[i], span[j]) = (span[j], span[i]);
        }
    }
}
