using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>
/// Verification of ECDSA signatures over P-384 (FIPS 186-5, section 6.4.2); with SHA-384 this is ES384 (RFC 9053,
/// section 2.1). All inputs of a verification are public and may be hostile; its time depends on them. Uses less than 6 KiB of stack.
/// </summary>
[SkipLocalsInit]
public static partial class EcdsaP384
{
    /// <summary>Bytes of a public key: X, then Y, each 48 bytes, the most significant first.</summary>
    public const int PublicKeyLength = 96;

    /// <summary>Bytes of a signature: r, then s, each 48 bytes, the most significant first.</summary>
    public const int SignatureLength = 96;

    /// <summary>Hashes a message with SHA-384 and verifies its signature (ES384).</summary>
    /// <param name="publicKey">The signer's point, uncompressed and without a prefix byte.</param>
    /// <param name="message">The message.</param>
    /// <param name="signature">The signature in its fixed-size form (not DER).</param>
    /// <returns>Whether the signature is valid; false also for any malformed input.</returns>
    public static bool VerifyMessage(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        Unsafe.SkipInit(out Bytes48 digest);
        Sha384.Hash(message, digest);
        return Verify(publicKey, digest, signature);
    }

    /// <summary>Verifies the signature of a digest.</summary>
    /// <param name="publicKey">The signer's point, uncompressed and without a prefix byte.</param>
    /// <param name="digest">The digest; another length than 48 bytes is never valid.</param>
    /// <param name="signature">The signature in its fixed-size form (not DER).</param>
    /// <returns>
    /// Whether the signature is valid. It is not if a length is wrong, if r or s is not in 1 .. n-1, or if the key is
    /// not a point of the curve other than infinity. Both s and n-s are accepted, as the standard has it.
    /// </returns>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != PublicKeyLength || digest.Length != Sha384.Length || signature.Length != SignatureLength)
        {
            return false;
        }

        Unsafe.SkipInit(out P384Curve curve);
        curve.Initialize();
        if (!curve.TryReadScalar(signature[..UInt384.Length], out UInt384 r) || !curve.TryReadScalar(signature[UInt384.Length..], out UInt384 s))
        {
            return false;
        }

        // Infinity has no affine coordinates: it cannot be written in this form.
        UInt384.Read(publicKey, out UInt384 x);
        UInt384.Read(publicKey[UInt384.Length..], out UInt384 y);
        if (!curve.TryEnter(x, y, out P384Point key))
        {
            return false;
        }

        ReduceOnce(curve, digest, out UInt384 e);

        // u = e / s, v = r / s. The product of a plain number and one in Montgomery form is plain.
        curve.Order.Enter(s, out UInt384 sMontgomery);
        curve.Order.Invert(sMontgomery, out UInt384 inverse);
        curve.Order.Multiply(e, inverse, out UInt384 u);
        curve.Order.Multiply(r, inverse, out UInt384 v);
        curve.MultiplyAdd(u, v, key, out P384Point point);
        if (UInt384.IsZero(point.Z))
        {
            return false;
        }

        // Is X/Z mod n = r? Since n < p < 2n, X/Z is r or, if that is below p, r + n; no division is needed.
        if (HasAffineX(curve, point, r))
        {
            return true;
        }

        return UInt384.Add(r, curve.Order.Value, out UInt384 next) == 0
            && UInt384.IsLess(next, curve.Field.Value)
            && HasAffineX(curve, point, next);
    }

    // A public number of 48 bytes modulo n, which is more than half of 2^384.
    private static void ReduceOnce(in P384Curve curve, ReadOnlySpan<byte> bytes, out UInt384 number)
    {
        UInt384.Read(bytes, out number);
        if (UInt384.Subtract(number, curve.Order.Value, out UInt384 reduced) == 0)
        {
            number = reduced;
        }
    }

    // x Z = X, with x below p: r < n < p.
    private static bool HasAffineX(in P384Curve curve, in P384Point point, in UInt384 x)
    {
        curve.Field.Enter(x, out UInt384 entered);
        curve.Field.Multiply(entered, point.Z, out UInt384 product);
        return UInt384.AreEqual(product, point.X);
    }
}
