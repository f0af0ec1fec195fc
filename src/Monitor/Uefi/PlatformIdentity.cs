using System;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>What the TPM's quote binds to this boot: the key with which the resident monitor will sign, derived here in the same way.</summary>
internal static class PlatformIdentity
{
    private const int KeyLength = 48;

    /// <summary>SHA-256 of the platform's public signing key.</summary>
    public static void Digest(Span<byte> digest)
    {
        Span<byte> key = stackalloc byte[KeyLength];
        MonitorKeys.Derive("blackbox/attest-key/1"u8, key);
        Sha256.Hash(key, digest);
        key.Clear();
    }
}
