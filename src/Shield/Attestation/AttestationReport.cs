using System;
using BlackBox.Cryptography;

namespace BlackBox.Shield;

/// <summary>
/// What the shield says of its container in evidence (docs/trust.md): which image it verified and runs. The monitor signs it without
/// reading it; a verifier believes it because the shield that says so is measured.
/// </summary>
internal static class AttestationReport
{
    /// <summary>Bytes at most: five claims of fixed length, and a name.</summary>
    public const int MaxBytes = 512;

    private const int MaxNameBytes = 256;

    /// <summary>Writes the report and returns its length.</summary>
    public static int Write(Span<byte> to)
    {
        Manifest manifest = ProtectedImage.Manifest;
        Span<byte> digest = stackalloc byte[Sha256.Length];
        CborWriter writer = new(to);
        bool hasName = manifest.Name.Length <= MaxNameBytes;
        writer.Map(hasName ? 6 : 5);
        Sha256.Hash(ProtectedImage.ManifestPayload, digest);
        writer.Pair(1, digest);
        Sha256.Hash(manifest.Policy, digest);
        writer.Pair(2, digest);
        Sha256.Hash(manifest.PublicKey, digest);
        writer.Pair(3, digest);
        writer.Pair(4, manifest.Counter);
        writer.Pair(5, manifest.IsDebug);
        if (hasName)
        {
            writer.Unsigned(6);
            writer.Text(manifest.Name);
        }

        return writer.Length;
    }
}
