using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>
/// Private keys of P-384 and the Diffie-Hellman agreement with them (NIST SP 800-56A, section 5.7.1.2: "ECC CDH", whose
/// cofactor is 1 here). The time depends on no private key. Uses less than 8 KiB of stack.
/// </summary>
[SkipLocalsInit]
public static class EcdhP384
{
    /// <summary>Bytes of a private key: a number from 1 to n-1, the most significant byte first.</summary>
    public const int PrivateKeyLength = 48;

    /// <summary>Bytes of a public key: X, then Y, each 48 bytes, the most significant first.</summary>
    public const int PublicKeyLength = 96;

    /// <summary>Bytes of the shared secret: X of the common point.</summary>
    public const int SecretLength = 48;

    /// <summary>Computes the public key that belongs to a private one.</summary>
    /// <param name="privateKey">48 bytes.</param>
    /// <param name="publicKey">Receives 96 bytes; zeros if the result is false.</param>
    /// <returns>False if the private key is not in 1 .. n-1.</returns>
    public static bool TryGetPublicKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        Require.That(privateKey.Length == PrivateKeyLength && publicKey.Length == PublicKeyLength);
        publicKey.Clear();
        Unsafe.SkipInit(out P384Curve curve);
        curve.Initialize();
        if (!curve.TryReadScalar(privateKey, out UInt384 scalar))
        {
            return false;
        }

        curve.MultiplySecret(scalar, curve.Base, out P384Point point);
        curve.Leave(point, out UInt384 x, out UInt384 y);
        UInt384.Write(x, publicKey);
        UInt384.Write(y, publicKey[UInt384.Length..]);
        ConstantTime.Wipe(ref scalar);
        return true;
    }

    /// <summary>Computes the secret that two key pairs have in common.</summary>
    /// <param name="privateKey">One's own, 48 bytes.</param>
    /// <param name="publicKey">The other's: untrusted, of any length.</param>
    /// <param name="secret">Receives 48 bytes; zeros if the result is false.</param>
    /// <returns>False if the private key is not in 1 .. n-1, or the public key is no point of the curve other than infinity.</returns>
    public static bool TryAgree(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> publicKey, Span<byte> secret)
    {
        Require.That(privateKey.Length == PrivateKeyLength && secret.Length == SecretLength);
        secret.Clear();
        Unsafe.SkipInit(out P384Curve curve);
        curve.Initialize();
        if (publicKey.Length != PublicKeyLength)
        {
            return false;
        }

        // Infinity has no affine coordinates, and the order is prime: what passes generates the whole curve.
        UInt384.Read(publicKey, out UInt384 x);
        UInt384.Read(publicKey[UInt384.Length..], out UInt384 y);
        if (!curve.TryEnter(x, y, out P384Point point) || !curve.TryReadScalar(privateKey, out UInt384 scalar))
        {
            return false;
        }

        curve.MultiplySecret(scalar, point, out P384Point common);
        curve.Leave(common, out x, out y);
        UInt384.Write(x, secret);
        ConstantTime.Wipe(ref scalar);
        ConstantTime.Wipe(ref common);
        ConstantTime.Wipe(ref x);
        ConstantTime.Wipe(ref y);
        return true;
    }
}
