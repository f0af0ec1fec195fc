using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using BlackBox.Freestanding;

namespace Internal.Runtime.CompilerHelpers
{
    /// <summary>The failures that compiled code calls by name. Each ends in the program's <c>bb_panic</c>.</summary>
    internal static class ThrowHelpers
    {
        [DoesNotReturn]
        public static void ThrowIndexOutOfRangeException() => Panic.Fail("index out of range"u8);

        [DoesNotReturn]
        public static void ThrowArgumentOutOfRangeException() => Panic.Fail("argument out of range"u8);

        [DoesNotReturn]
        public static void ThrowArgumentException() => Panic.Fail("bad argument"u8);

        [DoesNotReturn]
        public static void ThrowOverflowException() => Panic.Fail("arithmetic overflow"u8);

        [DoesNotReturn]
        public static void ThrowDivideByZeroException() => Panic.Fail("division by zero"u8);

        [DoesNotReturn]
        public static void ThrowNullReferenceException() => Panic.Fail("null reference"u8);

        [DoesNotReturn]
        public static void ThrowNotImplementedException() => Panic.Fail("not implemented"u8);

        [DoesNotReturn]
        public static void ThrowNotSupportedException() => Panic.Fail("not supported"u8);

        [DoesNotReturn]
        public static void ThrowPlatformNotSupportedException() => Panic.Fail("instruction set not supported"u8);

        [DoesNotReturn]
        public static void ThrowArrayTypeMismatchException() => Panic.Fail("array type mismatch"u8);

        [DoesNotReturn]
        public static void ThrowBodyRemoved() => Panic.Fail("method was proven unreachable"u8);

        [DoesNotReturn]
        public static void ThrowFeatureBodyRemoved() => Panic.Fail("method was proven unreachable"u8);

        [DoesNotReturn]
        public static void ThrowInstanceBodyRemoved() => Panic.Fail("method was proven unreachable"u8);

        [DoesNotReturn]
        public static void ThrowUnavailableType() => Panic.Fail("type was proven unreachable"u8);

        [DoesNotReturn]
        public static void ThrowNotSupportedInlineArrayEqualsGetHashCode() => Panic.Fail("inline arrays do not compare"u8);

        [DoesNotReturn]
        public static void ThrowInvalidProgramException(int id) => Panic.Fail("invalid program"u8);

        [DoesNotReturn]
        public static void ThrowInvalidProgramExceptionWithArgument(int id, string name) => Panic.Fail("invalid program"u8);

        [DoesNotReturn]
        public static void ThrowTypeLoadException(int id, string className, string typeName) => Panic.Fail("type load"u8);

        [DoesNotReturn]
        public static void ThrowTypeLoadExceptionWithArgument(int id, string className, string typeName, string argument) =>
            Panic.Fail("type load"u8);

        [DoesNotReturn]
        public static void ThrowMissingMethodException(int id, string methodName) => Panic.Fail("missing method"u8);

        [DoesNotReturn]
        public static void ThrowMissingFieldException(int id, string fieldName) => Panic.Fail("missing field"u8);

        [DoesNotReturn]
        public static void ThrowFileNotFoundException(int id, string fileName) => Panic.Fail("missing assembly"u8);

        [DoesNotReturn]
        public static void ThrowBadImageFormatException(int id) => Panic.Fail("bad image"u8);

        [DoesNotReturn]
        public static void ThrowMarshalDirectiveException(int id) => Panic.Fail("marshalling"u8);

        [DoesNotReturn]
        public static void ThrowAmbiguousMatchException(int id) => Panic.Fail("ambiguous match"u8);
    }

    /// <summary>Where a hosted program would start its runtime: a name that the compiler looks up, never called.</summary>
    internal static class StartupCodeHelpers
    {
    }
}
