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
internal enum FileRecordFlags : ushort
{
    None = 0,
    Protected = 1,
    Code = 2,
    Script = 4,
    Link = 8,
    Directory = 16,
}

/// <summary>A record of the file table (docs/image-format.md), as it stands in the file.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FileRecord
{
    public const int Size = 128;

    public Digest32 PathHash;
    public Digest32 Salt;
    public Digest32 TagsDigest;

    /// <summary>Bytes of a regular file; for a link or a directory the bytes of its target or names.</summary>
    public ulong Length;

    /// <summary>Offset of the tags; for a link or a directory the offset in the string area.</summary>
    public ulong Offset;

    /// <summary>Type and permissions as in st_mode.</summary>
    public ushort Mode;
    public FileRecordFlags Flags;
    public uint UserId;
    public uint GroupId;

    /// <summary>The first four bytes, which the file has the magic in place of.</summary>
    public uint Head;

    public readonly bool IsProtected => (Flags & FileRecordFlags.Protected) != 0;

    public readonly bool IsCode => (Flags & FileRecordFlags.Code) != 0;

    public readonly bool IsScript => (Flags & FileRecordFlags.Script) != 0;

    public readonly bool IsLink => (Flags & FileRecordFlags.Link) != 0;

    public readonly bool IsDirectory => (Flags & FileRecordFlags.Directory) != 0;

    public readonly bool IsFile => (Flags & (FileRecordFlags.Link | FileRecordFlags.Directory)) == 0;

    /// <summary>The file begins with the magic, so that Linux hands it to the module.</summary>
    public readonly bool HasMagic => (Flags & (FileRecordFlags.Code | FileRecordFlags.Script)) != 0;

    /// <summary>st_size: of a directory, one block.</summary>
    public readonly ulong StatusSize => IsDirectory ? FrameAddress.Size : Length;
}
