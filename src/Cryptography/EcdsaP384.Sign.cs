using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>
/// Deterministic signing: the number that must never repeat is derived from key and digest (RFC 6979), so that a weak
/// random generator cannot betray the key. The time depends on neither the key nor that number.
/// </summary>
public static partial class EcdsaP384
{
    /// <summary>Bytes of a private key: a number from 1 to n-1, the most significant byte first.</summary>
    public const int PrivateKeyLength = EcdhP384.PrivateKeyLength;

    /// <summary>Hashes a message with SHA-384 and signs it (ES384).</summary>
    /// <inheritdoc cref="Sign"/>
    public static bool SignMessage(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> message, Span<byte> signature)
    {
        Unsafe.SkipInit(out Bytes48 digest);
        Sha384.Hash(message, digest);
        return Sign(privateKey, digest, signature);
    }

    /// <summary>Signs a digest.</summary>
    /// <param name="privateKey">48 bytes.</param>
    /// <param name="digest">48 bytes: SHA-384 of the message. It counts as public.</param>
    /// <param name="signature">Receives r, then s; 96 bytes; zeros if the result is false.</param>
    /// <returns>False if the private key is not in 1 .. n-1.</returns>
    public static bool Sign(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> digest, Span<byte> signature)
    {
        Require.That(privateKey.Length == PrivateKeyLength && digest.Length == Sha384.Length && signature.Length == SignatureLength);
        signature.Clear();
        Unsafe.SkipInit(out P384Curve curve);
        curve.Initialize();
        if (!curve.TryReadScalar(privateKey, out UInt384 d))
        {
            return false;
        }

        ReduceOnce(curve, digest, out UInt384 e);
        Unsafe.SkipInit(out Bytes48 reduced);
        UInt384.Write(e, reduced);
        NonceGenerator nonces = default;
        nonces.Initialize(privateKey, reduced);
        while (!TrySign(curve, d, e, ref nonces, signature))
        {
        }

        nonces.Wipe();
        ConstantTime.Wipe(ref d);
        return true;
    }

    // False in one of 2^190 cases: the next number is taken then.
    private static bool TrySign(in P384Curve curve, in UInt384 d, in UInt384 e, ref NonceGenerator nonces, Span<byte> signature)
    {
        Unsafe.SkipInit(out Bytes48 candidate);
        nonces.Next(candidate);
        if (!curve.TryReadScalar(candidate, out UInt384 k))
        {
            return false;
        }

        // r = x of k G modulo n; it is public, and so is how it is reduced.
        curve.MultiplySecret(k, curve.Base, out P384Point point);
        curve.Leave(point, out UInt384 x, out _);
        UInt384.Write(x, candidate);
        ReduceOnce(curve, candidate, out UInt384 r);

        // s = (e + r d) / k. The product of a plain number and one in Montgomery form is plain.
        curve.Order.Enter(d, out UInt384 key);
        curve.Order.Multiply(r, key, out UInt384 sum);
        curve.Order.Add(sum, e, out sum);
        curve.Order.Enter(k, out key);
        curve.Order.Invert(key, out UInt384 inverse);
        curve.Order.Multiply(sum, inverse, out UInt384 s);
        ConstantTime.Wipe(ref k);
        ConstantTime.Wipe(ref key);
        ConstantTime.Wipe(ref inverse);
        ConstantTime.Wipe(ref sum);
        ConstantTime.Wipe(ref point);
        if (UInt384.IsZero(r) || UInt384.IsZero(s))
        {
            return false;
        }

        UInt384.Write(r, signature);
        UInt384.Write(s, signature[UInt384.Length..]);
        return true;
    }

    /// <summary>The generator of RFC 6979, section 3.2: HMAC_DRBG with HMAC-SHA-384.</summary>
    [SkipLocalsInit]
    private struct NonceGenerator
    {
        private Bytes48 _key;
        private Bytes48 _value;
        private bool _isFirst;

        // Steps b to g. The digest is reduced modulo n (bits2octets).
        public void Initialize(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> digest)
        {
            Span<byte> key = _key;
            Span<byte> value = _value;
            key.Clear();
            value.Fill(1);
            Update(0, privateKey, digest);
            Update(1, privateKey, digest);
            _isFirst = true;
        }

        // Step h.
        public void Next(Span<byte> candidate)
        {
            if (!_isFirst)
            {
                Update(0, default, default);
            }

            _isFirst = false;
            Advance();
            ((ReadOnlySpan<byte>)_value).CopyTo(candidate);
        }

        public void Wipe() => ConstantTime.Wipe(ref this);

        private void Update(byte separator, ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> digest)
        {
            Unsafe.SkipInit(out Hmac<Sha384> hmac);
            Unsafe.SkipInit(out Bytes16 storage);
            Span<byte> single = storage;
            single[0] = separator;
            hmac.Initialize(_key);
            hmac.Update(_value);
            hmac.Update(single[..1]);
            hmac.Update(privateKey);
            hmac.Update(digest);
            hmac.Finish(_key);
            Advance();
        }

        private void Advance()
        {
            Unsafe.SkipInit(out Hmac<Sha384> hmac);
            hmac.Initialize(_key);
            hmac.Update(_value);
            hmac.Finish(_value);
        }
    }
}
