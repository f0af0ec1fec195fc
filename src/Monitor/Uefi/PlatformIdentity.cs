using System;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>What the TPM's quote binds to this boot: the key with which the resident monitor will sign, derived here in the same way.</summary>
internal static class PlatformIdentity
{
    /// <summary>SHA-256 of the platform's public signing key.</summary>
    public static void Digest(Span<byte> digest)
    {
        Span<byte> key = stackalloc byte[EcdhP384.PublicKeyLength];
        MonitorKeys.MakePublic(MonitorKeys.AttestPurpose, key);
        Sha256.Hash(key, digest);
    }
}
