using System.Runtime;
using System.Runtime.CompilerServices;

namespace System
{
    /// <summary>
    /// Block operations. Names and signatures are those that compiled code calls. They are not marked as intrinsics: the compiler
    /// would unroll constant lengths with as many vector registers as it likes (see VectorRegisters in build/Freestanding.targets).
    /// </summary>
    internal static unsafe class SpanHelpers
    {
        // Assembly/Memory.S
        [MethodImpl(MethodImplOptions.InternalCall)]
        [RuntimeImport("*", "memmove")]
        private static extern void* MoveBytes(ref byte destination, ref byte source, nuint length);

        [MethodImpl(MethodImplOptions.InternalCall)]
        [RuntimeImport("*", "memset")]
        private static extern void* SetBytes(ref byte destination, int value, nuint length);

        public static void Memmove(ref byte destination, ref byte source, nuint length) =>
            MoveBytes(ref destination, ref source, length);

        public static void ClearWithoutReferences(ref byte destination, nuint length) => SetBytes(ref destination, 0, length);

        public static void Fill(ref byte destination, nuint length, byte value) => SetBytes(ref destination, value, length);

        public static void Fill(ref byte destination, byte value, nuint length) => SetBytes(ref destination, value, length);

        public static bool SequenceEqual(ref byte left, ref byte right, nuint length)
        {
            nuint offset = 0;
            for (; length - offset >= 8; offset += 8)
            {
                if (Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref left, offset))
                    != Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref right, offset)))
                    return false;
            }
            for (; offset < length; offset++)
            {
                if (Unsafe.Add(ref left, offset) != Unsafe.Add(ref right, offset))
                    return false;
            }
            return true;
        }
    }

    internal static class Buffer
    {
        public static void BulkMoveWithWriteBarrier(ref byte destination, ref byte source, nuint length) =>
            SpanHelpers.Memmove(ref destination, ref source, length);

        public static void Memmove(ref byte destination, ref byte source, nuint length) =>
            SpanHelpers.Memmove(ref destination, ref source, length);
    }
}
