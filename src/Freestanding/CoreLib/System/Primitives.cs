namespace System
{
    // The fields are never used by name: the compiler knows these types by theirs.
#pragma warning disable CS0169, IDE0051
    public readonly struct Boolean : IEquatable<bool>
    {
        private readonly bool m_value;

        public bool Equals(bool other) => this == other;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => this ? 1 : 0;
    }

    public readonly struct SByte : IEquatable<sbyte>, IComparable<sbyte>
    {
        private readonly sbyte m_value;

        public const sbyte MinValue = -128;
        public const sbyte MaxValue = 127;

        public bool Equals(sbyte other) => this == other;

        public int CompareTo(sbyte other) => this < other ? -1 : this > other ? 1 : 0;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => this;
    }

    public readonly struct Byte : IEquatable<byte>, IComparable<byte>
    {
        private readonly byte m_value;

        public const byte MinValue = 0;
        public const byte MaxValue = 255;

        public bool Equals(byte other) => this == other;

        public int CompareTo(byte other) => this < other ? -1 : this > other ? 1 : 0;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => this;
    }

    public readonly struct Int16 : IEquatable<short>, IComparable<short>
    {
        private readonly short m_value;

        public const short MinValue = -32768;
        public const short MaxValue = 32767;

        public bool Equals(short other) => this == other;

        public int CompareTo(short other) => this < other ? -1 : this > other ? 1 : 0;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => this;
    }

    public readonly struct UInt16 : IEquatable<ushort>, IComparable<ushort>
    {
        private readonly ushort m_value;

        public const ushort MinValue = 0;
        public const ushort MaxValue = 65535;

        public bool Equals(ushort other) => this == other;

        public int CompareTo(ushort other) => this < other ? -1 : this > other ? 1 : 0;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => this;
    }

    public readonly struct Int32 : IEquatable<int>, IComparable<int>
    {
        private readonly int m_value;

        public const int MinValue = -2147483648;
        public const int MaxValue = 2147483647;

        public bool Equals(int other) => this == other;

        public int CompareTo(int other) => this < other ? -1 : this > other ? 1 : 0;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => this;
    }

    public readonly struct UInt32 : IEquatable<uint>, IComparable<uint>
    {
        private readonly uint m_value;

        public const uint MinValue = 0;
        public const uint MaxValue = 4294967295;

        public bool Equals(uint other) => this == other;

        public int CompareTo(uint other) => this < other ? -1 : this > other ? 1 : 0;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => unchecked((int)this);
    }

    public readonly struct Int64 : IEquatable<long>, IComparable<long>
    {
        private readonly long m_value;

        public const long MinValue = -9223372036854775808;
        public const long MaxValue = 9223372036854775807;

        public bool Equals(long other) => this == other;

        public int CompareTo(long other) => this < other ? -1 : this > other ? 1 : 0;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => unchecked((int)this ^ (int)(this >> 32));
    }

    public readonly struct UInt64 : IEquatable<ulong>, IComparable<ulong>
    {
        private readonly ulong m_value;

        public const ulong MinValue = 0;
        public const ulong MaxValue = 18446744073709551615;

        public bool Equals(ulong other) => this == other;

        public int CompareTo(ulong other) => this < other ? -1 : this > other ? 1 : 0;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => unchecked((int)this ^ (int)(this >> 32));
    }

    public readonly struct Char : IEquatable<char>, IComparable<char>
    {
        private readonly char m_value;

        public const char MinValue = '\0';
        public const char MaxValue = '\uffff';

        public bool Equals(char other) => this == other;

        public int CompareTo(char other) => this < other ? -1 : this > other ? 1 : 0;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => this;
    }

    public readonly struct IntPtr : IEquatable<nint>, IComparable<nint>
    {
        private readonly nint m_value;

        public static nint Zero => 0;

        public static int Size => 8;

        public static nint MinValue => unchecked((nint)long.MinValue);

        public static nint MaxValue => unchecked((nint)long.MaxValue);

        public bool Equals(nint other) => this == other;

        public int CompareTo(nint other) => this < other ? -1 : this > other ? 1 : 0;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => unchecked((int)this);
    }

    public readonly struct UIntPtr : IEquatable<nuint>, IComparable<nuint>
    {
        private readonly nuint m_value;

        public static nuint Zero => 0;

        public static int Size => 8;

        public static nuint MinValue => unchecked((nuint)ulong.MinValue);

        public static nuint MaxValue => unchecked((nuint)ulong.MaxValue);

        public bool Equals(nuint other) => this == other;

        public int CompareTo(nuint other) => this < other ? -1 : this > other ? 1 : 0;

        public override bool Equals(object? obj) => false;

        public override int GetHashCode() => unchecked((int)this);
    }

    public readonly struct Single
    {
        private readonly float m_value;
    }

    public readonly struct Double
    {
        private readonly double m_value;
    }
#pragma warning restore CS0169, IDE0051
}
