using System.Reflection;
using System.Runtime.CompilerServices;

namespace System
{
    /// <summary>String constants only. The layout (length, then UTF-16 text) is the compiler's.</summary>
    public sealed class String
    {
        private readonly int _stringLength;
        private char _firstChar;

        public int Length
        {
            [Intrinsic]
            get => _stringLength;
        }

        [IndexerName("Chars")]
        public char this[int index]
        {
            [Intrinsic]
            get
            {
                if ((uint)index >= (uint)_stringLength)
                    Internal.Runtime.CompilerHelpers.ThrowHelpers.ThrowIndexOutOfRangeException();
                return Unsafe.Add(ref _firstChar, index);
            }
        }

        public ref readonly char GetPinnableReference() => ref _firstChar;

        internal ref char GetRawStringData() => ref _firstChar;

        public static implicit operator ReadOnlySpan<char>(string? value) =>
            value is null ? default : new ReadOnlySpan<char>(ref value._firstChar, value._stringLength);
    }
}
