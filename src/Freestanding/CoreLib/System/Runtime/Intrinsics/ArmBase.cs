using System.Runtime.CompilerServices;

namespace System.Runtime.Intrinsics.Arm
{
    /// <summary>Scalar instructions of the base architecture, expanded by the compiler.</summary>
    [Intrinsic]
    public abstract class ArmBase
    {
        public static bool IsSupported
        {
            [Intrinsic]
            get => IsSupported;
        }

        [Intrinsic]
        public abstract class Arm64
        {
            public static bool IsSupported
            {
                [Intrinsic]
                get => IsSupported;
            }

            /// <summary>UMULH: the upper half of the product.</summary>
            [Intrinsic]
            public static ulong MultiplyHigh(ulong left, ulong right) => MultiplyHigh(left, right);

            /// <summary>RBIT</summary>
            [Intrinsic]
            public static ulong ReverseElementBits(ulong value) => ReverseElementBits(value);
        }
    }
}
