using System.Buffers.Binary;
using System.Security.Cryptography;

namespace BlackBox.Attestation.Tests;

/// <summary>A model of a TPM that quotes, from the TPM 2.0 Library's definitions.</summary>
internal static class TpmSample
{
    public const ushort RsaPkcs1 = 0x0014;
    public const ushort RsaPss = 0x0016;
    public const ushort Ecdsa = 0x0018;

    /// <summary>Endorses, with a key of its own each time.</summary>
    /// <param name="extra">the quote's extra data</param>
    /// <param name="registers">values of registers 4, 7 and 12</param>
    public static PlatformEndorsement Endorse(
        byte[] extra, IReadOnlyDictionary<int, byte[]> registers, ushort scheme = Ecdsa, uint magic = 0xff544347, ushort type = 0x8018, ushort bank = 0x000b)
    {
        byte[] quote =
        [
            .. Number(magic, 4), .. Number(type, 2), .. Sized(new byte[34]), .. Sized(extra),
            .. new byte[17], .. new byte[8], .. Number(1, 4), .. Number(bank, 2), 3, 0x90, 0x10, 0x00,
            .. Sized(SHA256.HashData([.. registers.OrderBy(pair => pair.Key).SelectMany(pair => pair.Value)])),
        ];
        if (scheme == Ecdsa)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var signature = key.SignData(quote, HashAlgorithmName.SHA256);
            return Endorsement(key.ExportSubjectPublicKeyInfo(), [.. Number(scheme, 2), .. Number(0x000b, 2), .. Sized(signature[..32]), .. Sized(signature[32..])]);
        }

        using var rsa = RSA.Create(2048);
        var signed = rsa.SignData(quote, HashAlgorithmName.SHA256, scheme == RsaPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
        return Endorsement(rsa.ExportSubjectPublicKeyInfo(), [.. Number(scheme, 2), .. Number(0x000b, 2), .. Sized(signed)]);

        PlatformEndorsement Endorsement(byte[] attestationKey, byte[] signature) =>
            new() { AttestationKey = attestationKey, Quote = quote, Signature = signature, Registers = registers };
    }

    private static byte[] Number(uint value, int bytes)
    {
        var buffer = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(buffer, value);
        return buffer[^bytes..];
    }

    private static byte[] Sized(byte[] data) => [.. Number((uint)data.Length, 2), .. data];
}
