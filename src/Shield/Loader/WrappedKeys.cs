using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>
/// The content key as the image carries it: a sequence of COSE_Encrypt messages, one for each platform (docs/image-format.md), of which
/// the monitor opens its own. Only messages of exactly this form are taken.
/// </summary>
internal ref struct WrappedKeys(ReadOnlySpan<byte> file)
{
    /// <summary>WrappedKey of src/Abi/abi.json.</summary>
    public const int BlobBytes = 192;
    public const int KeyAt = 112;
    public const int PublisherAt = 144;
    public const int MaxMessages = 64;
    public const int MaxFileBytes = 16 << 10;

    private const int PointAt = 0;
    private const int NonceAt = 96;
    private const int VersionAt = 108;
    private const uint Version = 2;
    private const int NonceBytes = 12;
    private const int CoordinateBytes = 48;
    private const int CiphertextBytes = BlobBytes - KeyAt;
    private const int PlatformIdBytes = 8;
    private const ulong EncryptTag = 96;

    private CborReader reader = new(file);

    public readonly bool IsAtEnd => reader.IsAtEnd;

    /// <summary>{1: 3}: A256GCM.</summary>
    private static ReadOnlySpan<byte> BodyHeader => [0xA1, 0x01, 0x03];

    /// <summary>{1: -25}: ECDH-ES + HKDF-256.</summary>
    private static ReadOnlySpan<byte> RecipientHeader => [0xA1, 0x01, 0x38, 0x18];

    /// <summary>Makes the next message a WrappedKey for the monitor. False: malformed.</summary>
    public bool TryNext(scoped Span<byte> blob)
    {
        blob.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(blob[VersionAt..], Version);
        return reader.TryTag(EncryptTag)
            && reader.TryArray(out int items) && items == 4
            && reader.TryBytes(out ReadOnlySpan<byte> header) && header.SequenceEqual(BodyHeader)
            && reader.TryMap(out int pairs) && pairs == 1
            && TryKey(5) && TryCopy(blob.Slice(NonceAt, NonceBytes))
            && TryCopy(blob.Slice(KeyAt, CiphertextBytes))
            && reader.TryArray(out items) && items == 1
            && TryRecipient(blob.Slice(PointAt, 2 * CoordinateBytes));
    }

    private bool TryRecipient(scoped Span<byte> point)
    {
        return reader.TryArray(out int items) && items == 3
            && reader.TryBytes(out ReadOnlySpan<byte> header) && header.SequenceEqual(RecipientHeader)
            && reader.TryMap(out int pairs) && pairs == 2
            && TryKey(4) && reader.TryBytes(out ReadOnlySpan<byte> platform) && platform.Length == PlatformIdBytes
            && TryNegative(1) && TryCoseKey(point)
            && reader.TryBytes(out ReadOnlySpan<byte> nothing) && nothing.Length == 0;
    }

    /// <summary>COSE_Key {1: 2 (EC2), -1: 2 (P-384), -2: X, -3: Y}.</summary>
    private bool TryCoseKey(scoped Span<byte> point)
    {
        return reader.TryMap(out int pairs) && pairs == 4
            && TryKey(1) && TryKey(2)
            && TryNegative(1) && TryKey(2)
            && TryNegative(2) && TryCopy(point[..CoordinateBytes])
            && TryNegative(3) && TryCopy(point[CoordinateBytes..]);
    }

    private bool TryCopy(scoped Span<byte> to)
    {
        bool good = reader.TryBytes(out ReadOnlySpan<byte> bytes) && bytes.Length == to.Length;
        if (good)
        {
            bytes.CopyTo(to);
        }

        return good;
    }

    private bool TryKey(ulong number) => reader.TryUnsigned(out ulong read) && read == number;

    /// <summary>The number -<paramref name="number"/>.</summary>
    private bool TryNegative(ulong number) => reader.TryNegative(out ulong read) && read == number - 1;
}
