using Internal.Runtime.CompilerHelpers;

namespace System.Runtime.CompilerServices
{
    /// <summary>References and pointers without checks. The compiler replaces every body here by the instruction it names.</summary>
    public static unsafe class Unsafe
    {
        [Intrinsic]
        public static int SizeOf<T>() where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static T As<T>(object? value) where T : class?
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static ref TTo As<TFrom, TTo>(ref TFrom source) where TFrom : allows ref struct where TTo : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static ref T AsRef<T>(void* source) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static ref T AsRef<T>(scoped ref readonly T source) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static void* AsPointer<T>(ref readonly T value) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static ref T Add<T>(ref T source, int elementOffset) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static ref T Add<T>(ref T source, nint elementOffset) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static ref T Add<T>(ref T source, nuint elementOffset) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static void* Add<T>(void* source, int elementOffset) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static ref T AddByteOffset<T>(ref T source, nuint byteOffset) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static ref T AddByteOffset<T>(ref T source, nint byteOffset) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static bool AreSame<T>(ref readonly T left, ref readonly T right) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static bool IsAddressLessThan<T>(ref readonly T left, ref readonly T right) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static bool IsAddressGreaterThan<T>(ref readonly T left, ref readonly T right) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static nint ByteOffset<T>(ref readonly T origin, ref readonly T target) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static T ReadUnaligned<T>(void* source) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static T ReadUnaligned<T>(ref readonly byte source) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static void WriteUnaligned<T>(void* destination, T value) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static void WriteUnaligned<T>(ref byte destination, T value) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static T Read<T>(void* source) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static void Write<T>(void* destination, T value) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static void SkipInit<T>(out T value) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static ref T NullRef<T>() where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static bool IsNullRef<T>(ref readonly T source) where T : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        [Intrinsic]
        public static TTo BitCast<TFrom, TTo>(TFrom source) where TFrom : allows ref struct where TTo : allows ref struct
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            while (true) { }
        }

        public static ref T Subtract<T>(ref T source, int elementOffset) => ref Add(ref source, -elementOffset);

        public static void CopyBlockUnaligned(ref byte destination, ref readonly byte source, uint byteCount) =>
            SpanHelpers.Memmove(ref destination, ref AsRef(in source), byteCount);

        public static void InitBlockUnaligned(ref byte startAddress, byte value, uint byteCount) =>
            SpanHelpers.Fill(ref startAddress, byteCount, value);
    }
}
