using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>Makes COSE_Sign1 messages (RFC 9052, section 4.2) with ES384 (RFC 9053, section 2.1): tagged, attached payload, no other header.</summary>
[SkipLocalsInit]
public static class CoseSign1
{
    /// <summary>Bytes that the message has beyond the payload, at most.</summary>
    public const int Overhead = 112;

    private const ulong SignOneTag = 18;

    /// <summary>Signs.</summary>
    /// <param name="privateKey">48 bytes (<see cref="EcdsaP384"/>)</param>
    /// <param name="payload">what is signed; must not change meanwhile</param>
    /// <param name="message">receives the message; <see cref="Overhead"/> bytes longer than the payload</param>
    /// <returns>bytes of the message; 0 if the private key is none</returns>
    public static int Sign(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> payload, Span<byte> message)
    {
        // Sig_structure (section 4.4): ["Signature1", protected header, external data: empty, payload], hashed as it is written.
        ReadOnlySpan<byte> header = [0xa1, 0x01, 0x38, 0x22];    // {1: -35}: algorithm ES384
        Unsafe.SkipInit(out Bytes64 storage);
        CborWriter start = new(storage);
        start.Array(4);
        start.Text("Signature1"u8);
        start.Bytes(header);
        start.Bytes(default);
        Unsafe.SkipInit(out Bytes16 lengthStorage);
        CborWriter length = new(lengthStorage);
        length.BytesHead(payload.Length);
        Unsafe.SkipInit(out Sha384 hash);
        hash.Initialize();
        hash.Update(start.Written);
        hash.Update(length.Written);
        hash.Update(payload);
        Unsafe.SkipInit(out Bytes48 digest);
        hash.Finish(digest);
        Span<byte> signature = stackalloc byte[EcdsaP384.SignatureLength];
        if (!EcdsaP384.Sign(privateKey, digest, signature))
        {
            return 0;
        }

        CborWriter writer = new(message);
        writer.Tag(SignOneTag);
        writer.Array(4);
        writer.Bytes(header);
        writer.Map(0);
        writer.Bytes(payload);
        writer.Bytes(signature);
        return writer.Length;
    }
}
