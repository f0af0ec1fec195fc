using System.Buffers.Binary;

namespace BlackBox.Images;

/// <summary>What a regular file is to the one who runs it.</summary>
internal enum FileKind
{
    Data,

    /// <summary>An ELF file that can be executed or loaded (ET_EXEC or ET_DYN), for whatever machine.</summary>
    Code,

    /// <summary>May be executed and begins with #!.</summary>
    Script,

    /// <summary>Begins with our own magic.</summary>
    ProtectedCode,
}

internal static class FileKinds
{
    private const int ExecuteBits = 0x49;
    private const int TypeExecutable = 2;
    private const int TypeShared = 3;

    /// <summary>Looks at the first bytes of a regular file.</summary>
    public static FileKind Of(RootEntry entry)
    {
        Span<byte> start = stackalloc byte[18];
        using var stream = entry.Content!.Open();
        start = start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        if (start.StartsWith(ImageFormat.Magic))
        {
            return FileKind.ProtectedCode;
        }

        if (start.Length == 18 && start.StartsWith("\u007fELF"u8))
        {
            // e_type stands at offset 16 in the byte order of e_ident[EI_DATA].
            var type = start[5] == 2 ? BinaryPrimitives.ReadUInt16BigEndian(start[16..]) : BinaryPrimitives.ReadUInt16LittleEndian(start[16..]);
            return type is TypeExecutable or TypeShared ? FileKind.Code : FileKind.Data;
        }

        // Shorter than the magic it cannot name an interpreter.
        return start.Length >= ImageFormat.Magic.Length && start.StartsWith("#!"u8) && (entry.Mode & ExecuteBits) != 0 ? FileKind.Script : FileKind.Data;
    }
}
