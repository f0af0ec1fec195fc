using System;
using BlackBox.Cryptography;

namespace BlackBox.Shield;

/// <summary>COSE_Sign1 (RFC 9052, section 4.2) with ES384 (RFC 9053), attached payload, no other header.</summary>
internal static class CoseSignature
{
    private const ulong SignOneTag = 18;

    /// <summary>Protected header {1: -35}: algorithm ES384.</summary>
    private static ReadOnlySpan<byte> ProtectedHeader => [0xA1, 0x01, 0x38, 0x22];

    /// <summary>["Signature1", protected, external data: empty, ...: array of four, text of ten.</summary>
    private static ReadOnlySpan<byte> Context => [0x84, 0x6A, (byte)'S', (byte)'i', (byte)'g', (byte)'n', (byte)'a', (byte)'t', (byte)'u', (byte)'r', (byte)'e', (byte)'1'];

    /// <summary>Takes the message apart. False: not of this form.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> message, out ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> signature)
    {
        payload = default;
        signature = default;
        CborReader reader = new(message);
        return (!reader.IsTag || reader.TryTag(SignOneTag))
            && reader.TryArray(out int items) && items == 4
            && reader.TryBytes(out ReadOnlySpan<byte> header) && header.SequenceEqual(ProtectedHeader)
            && reader.TryMap(out int unprotected) && unprotected == 0
            && reader.TryBytes(out payload)
            && reader.TryBytes(out signature) && signature.Length == EcdsaP384.SignatureLength
            && reader.IsAtEnd;
    }

    /// <summary>Checks the signature over the payload under a public key (X, then Y).</summary>
    public static bool Verify(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> publicKey)
    {
        Span<byte> head = stackalloc byte[8];
        Sha384 hash = default;
        hash.Initialize();
        hash.Update(Context);
        hash.Update(head[..CborReader.WriteBytesHead(head, ProtectedHeader.Length)]);
        hash.Update(ProtectedHeader);
        hash.Update(head[..CborReader.WriteBytesHead(head, 0)]);
        hash.Update(head[..CborReader.WriteBytesHead(head, payload.Length)]);
        hash.Update(payload);
        Span<byte> digest = stackalloc byte[Sha384.Length];
        hash.Finish(digest);
        return EcdsaP384.Verify(publicKey, digest, signature);
    }
}
