using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>32 bytes.</summary>
[InlineArray(Length)]
internal struct Digest32
{
    public const int Length = 32;

    private byte first;
}

/// <summary>What a record of the file table says of its path.</summary>
[Flags]
internal enum FileRecordFlags : uint
{
    None = 0,
    Protected = 1,
    Code = 2,
    Script = 4,
    Link = 8,
}

/// <summary>A record of the file table (docs/image-format.md), as it stands in the file.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FileRecord
{
    public const int Size = 128;

    public Digest32 PathHash;
    public Digest32 Salt;
    public Digest32 TagsDigest;

    /// <summary>Bytes of a regular file; for a link the offset of its target in the string area.</summary>
    public ulong Length;

    /// <summary>Offset of the tags; for a link the length of its target.</summary>
    public ulong TagsOffset;
    public uint Mode;
    public FileRecordFlags Flags;

    /// <summary>The first four bytes of ciphertext, which the file has the magic in place of.</summary>
    public uint Head;
    public uint Reserved;

    public readonly bool IsProtected => (Flags & FileRecordFlags.Protected) != 0;

    public readonly bool IsCode => (Flags & FileRecordFlags.Code) != 0;

    public readonly bool IsScript => (Flags & FileRecordFlags.Script) != 0;

    public readonly bool IsLink => (Flags & FileRecordFlags.Link) != 0;
}
