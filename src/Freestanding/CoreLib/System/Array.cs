using System.Runtime.CompilerServices;

namespace System
{
    /// <summary>Constant arrays only: <c>static readonly</c> arrays of primitives, which the compiler freezes into the image.</summary>
    public abstract class Array
    {
        private readonly int _numComponents;

        public int Length => _numComponents;

        internal nuint NativeLength => (uint)_numComponents;
    }

    internal class Array<T> : Array
    {
    }

    /// <summary>The shape of an array's head, to reach the first element by reference.</summary>
    internal sealed class RawArrayData
    {
        public uint Length;
        public uint Padding;
        public byte Data;
    }
}
