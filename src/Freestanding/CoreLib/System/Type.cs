using System.Runtime.CompilerServices;

namespace System
{
    public struct RuntimeTypeHandle
    {
        private readonly nint _value;
    }

    public struct RuntimeMethodHandle
    {
        private readonly nint _value;
    }

    public struct RuntimeFieldHandle
    {
        private readonly nint _value;
    }

    public ref struct RuntimeArgumentHandle
    {
        private readonly nint _value;
    }

    public ref struct TypedReference
    {
    }

    /// <summary>Only <c>typeof(A) == typeof(B)</c>, which the compiler decides.</summary>
    public abstract class Type
    {
        [Intrinsic]
        public static Type? GetTypeFromHandle(RuntimeTypeHandle handle) => null;

        [Intrinsic]
        public static bool operator ==(Type? left, Type? right) => (object?)left == right;

        [Intrinsic]
        public static bool operator !=(Type? left, Type? right) => (object?)left != right;

        public override bool Equals(object? obj) => (object)this == obj;

        public override int GetHashCode() => 0;

        /// <summary>Whether the type is a value type: decided by the compiler for a type parameter that is known.</summary>
        public bool IsValueType
        {
            [Intrinsic]
            get => false;
        }

        /// <summary>Whether the type is an enumeration: decided by the compiler.</summary>
        public bool IsEnum
        {
            [Intrinsic]
            get => false;
        }
    }

    internal sealed class RuntimeType : Type
    {
    }

    /// <summary>Stands for any reference type in shared generic code.</summary>
    internal sealed class __Canon
    {
    }
}
