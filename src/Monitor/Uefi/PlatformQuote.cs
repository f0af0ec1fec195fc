using System;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>The TPM's word for what has booted: PCR 0 to 7 and 12, and the digest of the platform's public keys, signed by a key that signs nothing but the TPM's own words
/// and is always the same on this TPM (restricted, P-256, from its endorsement seed). Where it goes: docs/boot.md.</summary>
internal static class PlatformQuote
{
    private const uint CreatePrimary = 0x131;
    private const uint Quote = 0x158;
    private const int QuoteOffset = 8;
    private const int KeyOffset = 512;
    private const int PlatformKeysOffset = 768;
    private const int LogOffset = 1024;

    private static ReadOnlySpan<byte> Endorsement => [0x40, 0, 0, 0x0b];

    // No secret given; TPM2B_PUBLIC: ECC, SHA-256, fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA (or three sudden ends of the machine lock it), restricted, sign; ECDSA with SHA-256, P-256. Nothing else.
    private static ReadOnlySpan<byte> Template =>
    [
        0, 4, 0, 0, 0, 0, 0, 24, 0, 0x23, 0, 0x0b, 0, 5, 4, 0x72, 0, 0, 0, 0x10, 0, 0x18, 0, 0x0b, 0, 3, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// <summary>Writes quote, signature, key, the platform's keys and log.</summary>
    /// <param name="keys">the platform's public keys, for signing and for wrapping: 192 bytes</param>
    public static bool TryWrite(ReadOnlySpan<byte> keys, Span<byte> evidence)
    {
        Span<byte> qualifier = stackalloc byte[Sha256.Length];
        Sha256.Hash(keys, qualifier);
        if (!Tpm.TrySend(CreatePrimary, Endorsement, Tpm.NoPassword, Template, default, default, out ReadOnlySpan<byte> answer))
        {
            return false;
        }

        Span<byte> handle = stackalloc byte[sizeof(uint)];
        answer.Slice(0, handle.Length).CopyTo(handle);
        answer.Slice(2 * sizeof(uint), LogOffset - KeyOffset).CopyTo(evidence.Slice(KeyOffset));
        bool good = Tpm.TrySend(Quote, handle, Tpm.NoPassword, [0, 32], qualifier, [0, 0x10, 0, 0, 0, 1, 0, 0x0b, 3, 0xff, 0x10, 0], out answer);
        answer.Slice(sizeof(uint), KeyOffset - QuoteOffset).CopyTo(evidence.Slice(QuoteOffset));
        keys.CopyTo(evidence.Slice(PlatformKeysOffset));
        return good && Efi.TryReadLog(evidence.Slice(LogOffset));
    }
}
