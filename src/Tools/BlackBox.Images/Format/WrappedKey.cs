using System.Buffers.Binary;
using System.Formats.Cbor;
using System.Security.Cryptography;

namespace BlackBox.Images;

/// <summary>
/// A content key wrapped for one platform: COSE_Encrypt (RFC 9052, section 5.1) with one recipient, ECDH-ES + HKDF-256 with P-384 and
/// A256GCM (RFC 9053, sections 4.1 and 6.3.1). The plaintext is the content key, then the SHA-256 of the publisher's public key.
/// /.blackbox/key is a sequence of them (RFC 8742), one for each platform.
/// </summary>
public sealed class WrappedKey
{
    /// <summary>Keys that an image may carry, one for each platform it may run on.</summary>
    public const int MaximumCount = 64;

    /// <summary>Bytes of all of them at most.</summary>
    public const int MaximumBytes = 16 << 10;

    private const ulong EncryptTag = 96;
    private const int InitializationVector = 5;
    private const int KeyIdentifier = 4;
    private const int EphemeralKey = -1;
    private const int NonceLength = 12;
    private const int DataLength = 64;
    private const int CoordinateLength = 48;

    // WrappedKey of src/Abi/abi.json
    private const int BlobLength = 192;
    private const uint BlobVersion = 2;

    private static readonly byte[] BodyHeader = [0xa1, 0x01, 0x03];              // {1: 3}: A256GCM
    private static readonly byte[] RecipientHeader = [0xa1, 0x01, 0x38, 0x18];   // {1: -25}: ECDH-ES + HKDF-256

    private readonly byte[] _point;
    private readonly byte[] _nonce;
    private readonly byte[] _ciphertext;

    private WrappedKey(byte[] platformId, byte[] point, byte[] nonce, byte[] ciphertext)
    {
        PlatformId = platformId;
        _point = point;
        _nonce = nonce;
        _ciphertext = ciphertext;
    }

    /// <summary><see cref="PlatformKey.Id"/> of the platform, as the message says; nothing is proven about it.</summary>
    public byte[] PlatformId { get; }

    /// <summary>
    /// Wraps. Ephemeral key and nonce are derived from what is wrapped and for whom: equal input gives equal output, different input
    /// another key.
    /// </summary>
    /// <returns>The message.</returns>
    public static byte[] Wrap(ReadOnlySpan<byte> contentKey, ReadOnlySpan<byte> publisherDigest, PlatformKey platform)
    {
        ArgumentNullException.ThrowIfNull(platform);
        using var ephemeral = MakeEphemeral(contentKey, publisherDigest, platform);
        var q = ephemeral.ExportParameters(includePrivateParameters: false).Q;
        using var other = platform.Open(includePrivate: false);
        var nonce = Derive(contentKey, "blackbox wrap nonce v2"u8, publisherDigest, platform, 0, NonceLength);
        byte[] data = [.. contentKey, .. publisherDigest];
        var ciphertext = new byte[DataLength + ImageFormat.TagLength];
        using (var cipher = MakeCipher(ephemeral, other))
        {
            cipher.Encrypt(nonce, data, ciphertext.AsSpan(0, DataLength), ciphertext.AsSpan(DataLength), EncryptContext());
        }

        CryptographicOperations.ZeroMemory(data);
        return new WrappedKey(platform.Id, [.. q.X!, .. q.Y!], nonce, ciphertext).Encode();
    }

    /// <summary>Takes a file apart.</summary>
    /// <exception cref="ImageRefusedException">It is no sequence of such messages, is empty, or has too many.</exception>
    public static IReadOnlyList<WrappedKey> ReadAll(byte[] file)
    {
        var keys = new List<WrappedKey>();
        try
        {
            var reader = new CborReader(file, CborConformanceMode.Canonical, allowMultipleRootLevelValues: true);
            while (reader.BytesRemaining > 0)
            {
                keys.Add(Read(reader));
            }
        }
        catch (Exception error) when (error is CborContentException or InvalidOperationException or OverflowException)
        {
            throw new ImageRefusedException(ImageFormat.Key.Text, $"it is not a sequence of wrapped keys ({error.Message.TrimEnd('.')})");
        }

        return keys.Count is > 0 and <= MaximumCount ? keys
            : throw new ImageRefusedException(ImageFormat.Key.Text, $"it holds {keys.Count} keys instead of 1 to {MaximumCount}");
    }

    /// <returns>The content key and the SHA-256 of the publisher's key; null: wrapped for another platform, or altered.</returns>
    public (byte[] ContentKey, byte[] PublisherDigest)? Unwrap(PlatformKey platform)
    {
        ArgumentNullException.ThrowIfNull(platform);
        if (!platform.HasPrivateKey || !PlatformId.AsSpan().SequenceEqual(platform.Id))
        {
            return null;
        }

        var data = new byte[DataLength];
        try
        {
            using var own = platform.Open(includePrivate: true);
            using var other = PlatformKey.FromPublic("", _point).Open(includePrivate: false);
            using var cipher = MakeCipher(own, other);
            cipher.Decrypt(_nonce, _ciphertext.AsSpan(0, DataLength), _ciphertext.AsSpan(DataLength), data, EncryptContext());
        }
        catch (Exception error) when (error is AuthenticationTagMismatchException or InvalidDataException)
        {
            return null;
        }

        return (data[..ImageFormat.KeyLength], data[ImageFormat.KeyLength..]);
    }

    /// <summary>The structure that a shield hands to the monitor (WrappedKey of src/Abi/abi.json).</summary>
    public byte[] ToBlob()
    {
        var blob = new byte[BlobLength];
        _point.CopyTo(blob, 0);
        _nonce.CopyTo(blob, _point.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(_point.Length + NonceLength), BlobVersion);
        _ciphertext.CopyTo(blob, _point.Length + NonceLength + sizeof(uint));
        return blob;
    }

    private static WrappedKey Read(CborReader reader)
    {
        Expect((ulong)reader.ReadTag() == EncryptTag && reader.ReadStartArray() == 4, "no COSE_Encrypt");
        Expect(reader.ReadByteString().AsSpan().SequenceEqual(BodyHeader), "another algorithm than A256GCM");
        Expect(reader.ReadStartMap() == 1 && reader.ReadInt32() == InitializationVector, "no nonce");
        var nonce = ReadBytes(reader, NonceLength);
        reader.ReadEndMap();
        var ciphertext = ReadBytes(reader, DataLength + ImageFormat.TagLength);
        Expect(reader.ReadStartArray() == 1 && reader.ReadStartArray() == 3, "not one recipient");
        Expect(reader.ReadByteString().AsSpan().SequenceEqual(RecipientHeader), "another algorithm than ECDH-ES + HKDF-256");
        Expect(reader.ReadStartMap() == 2 && reader.ReadInt32() == KeyIdentifier, "no platform");
        var id = ReadBytes(reader, PlatformKey.IdLength);
        Expect(reader.ReadInt32() == EphemeralKey && reader.ReadStartMap() == 4, "no ephemeral key");
        Expect(reader.ReadInt32() == 1 && reader.ReadInt32() == 2 && reader.ReadInt32() == -1 && reader.ReadInt32() == 2, "no key of P-384");
        Expect(reader.ReadInt32() == -2, "no X");
        var x = ReadBytes(reader, CoordinateLength);
        Expect(reader.ReadInt32() == -3, "no Y");
        var y = ReadBytes(reader, CoordinateLength);
        reader.ReadEndMap();
        reader.ReadEndMap();
        _ = ReadBytes(reader, 0);
        reader.ReadEndArray();
        reader.ReadEndArray();
        reader.ReadEndArray();
        return new WrappedKey(id, [.. x, .. y], nonce, ciphertext);
    }

    private static byte[] ReadBytes(CborReader reader, int length)
    {
        var bytes = reader.ReadByteString();
        Expect(bytes.Length == length, $"a string of {bytes.Length} bytes instead of {length}");
        return bytes;
    }

    private static void Expect(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new CborContentException(otherwise);
        }
    }

    private byte[] Encode()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteTag((CborTag)EncryptTag);
        writer.WriteStartArray(4);
        writer.WriteByteString(BodyHeader);
        writer.WriteStartMap(1);
        writer.WriteInt32(InitializationVector);
        writer.WriteByteString(_nonce);
        writer.WriteEndMap();
        writer.WriteByteString(_ciphertext);
        writer.WriteStartArray(1);
        writer.WriteStartArray(3);
        writer.WriteByteString(RecipientHeader);
        writer.WriteStartMap(2);
        writer.WriteInt32(KeyIdentifier);
        writer.WriteByteString(PlatformId);
        writer.WriteInt32(EphemeralKey);
        writer.WriteStartMap(4);
        writer.WriteInt32(1);     // key type: EC2
        writer.WriteInt32(2);
        writer.WriteInt32(-1);    // curve: P-384
        writer.WriteInt32(2);
        writer.WriteInt32(-2);
        writer.WriteByteString(_point.AsSpan(0, CoordinateLength));
        writer.WriteInt32(-3);
        writer.WriteByteString(_point.AsSpan(CoordinateLength));
        writer.WriteEndMap();
        writer.WriteEndMap();
        writer.WriteByteString([]);
        writer.WriteEndArray();
        writer.WriteEndArray();
        writer.WriteEndArray();
        return writer.Encode();
    }

    private static AesGcm MakeCipher(ECDiffieHellman own, ECDiffieHellman other)
    {
        var secret = own.DeriveRawSecretAgreement(other.PublicKey);
        var key = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, ImageFormat.KeyLength, salt: [], info: KeyContext());
        CryptographicOperations.ZeroMemory(secret);
        var cipher = new AesGcm(key, ImageFormat.TagLength);
        CryptographicOperations.ZeroMemory(key);
        return cipher;
    }

    /// <summary>COSE_KDF_Context (RFC 9053, section 5.2): for A256GCM, no party named.</summary>
    private static byte[] KeyContext()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(4);
        writer.WriteInt32(3);
        for (var party = 0; party < 2; party++)
        {
            writer.WriteStartArray(3);
            writer.WriteNull();
            writer.WriteNull();
            writer.WriteNull();
            writer.WriteEndArray();
        }

        writer.WriteStartArray(2);
        writer.WriteInt32(8 * ImageFormat.KeyLength);
        writer.WriteByteString(RecipientHeader);
        writer.WriteEndArray();
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Enc_structure (RFC 9052, section 5.3) without external data.</summary>
    private static byte[] EncryptContext()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(3);
        writer.WriteTextString("Encrypt");
        writer.WriteByteString(BodyHeader);
        writer.WriteByteString([]);
        writer.WriteEndArray();
        return writer.Encode();
    }

    private static ECDiffieHellman MakeEphemeral(ReadOnlySpan<byte> contentKey, ReadOnlySpan<byte> publisherDigest, PlatformKey platform)
    {
        for (byte attempt = 0; ; attempt++)
        {
            var scalar = Derive(contentKey, "blackbox ephemeral key v2"u8, publisherDigest, platform, attempt, CoordinateLength);
            try
            {
                return ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = scalar });
            }
            catch (CryptographicException) when (attempt < byte.MaxValue)
            {
                // Not below the group's order: one of 2^190.
            }
        }
    }

    private static byte[] Derive(
        ReadOnlySpan<byte> contentKey, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> publisherDigest, PlatformKey platform, byte attempt, int length) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, contentKey.ToArray(), length, salt: [], info: [.. purpose, .. publisherDigest, .. platform.Public, attempt]);
}
