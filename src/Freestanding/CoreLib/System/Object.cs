namespace System
{
    /// <summary>The root class. Its only field is the method-table pointer that the compiler puts into frozen objects.</summary>
    public class Object
    {
        internal unsafe nint m_pMethodTable;

        public Object() { }

        ~Object() { }

        public virtual bool Equals(object? obj) => ReferenceEquals(this, obj);

        public virtual int GetHashCode() => 0;

        public virtual string? ToString() => null;

        public static bool ReferenceEquals(object? left, object? right) => left == right;
    }

    public abstract class ValueType
    {
        public override bool Equals(object? obj) => false;
    }

    public abstract class Enum : ValueType
    {
    }

    public struct Void
    {
    }

    public class Exception
    {
        public Exception() { }

        public Exception(string? message) { }
    }

    public abstract class Delegate
    {
        internal object? m_firstParameter;
        internal object? m_helperObject;
        internal nint m_extraFunctionPointerOrData;
        internal nint m_functionPointer;
    }

    public abstract class MulticastDelegate : Delegate
    {
    }

    public interface IDisposable
    {
        void Dispose();
    }

    public interface IEquatable<T> where T : allows ref struct
    {
        bool Equals(T? other);
    }

    public interface IComparable<in T> where T : allows ref struct
    {
        int CompareTo(T? other);
    }
}
