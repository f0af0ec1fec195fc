using Internal.Runtime.CompilerHelpers;

namespace System.Runtime.CompilerServices
{
    public static class RuntimeHelpers
    {
        /// <summary>Constant array data: the compiler evaluates it at build time.</summary>
        [Intrinsic]
        public static void InitializeArray(Array array, RuntimeFieldHandle fieldHandle) =>
            ThrowHelpers.ThrowPlatformNotSupportedException();

        /// <summary>Constant span data: becomes an address in the image.</summary>
        [Intrinsic]
        public static ReadOnlySpan<T> CreateSpan<T>(RuntimeFieldHandle fieldHandle)
        {
            ThrowHelpers.ThrowPlatformNotSupportedException();
            return default;
        }

        [Intrinsic]
        public static bool IsReferenceOrContainsReferences<T>() where T : allows ref struct => false;

        public static int OffsetToStringData => 12;
    }
}
