using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Xunit;

namespace BlackBox.Cryptography.Tests;

public class EcdsaTests
{
    // RFC 6979, appendix A.2.6.
    private const string PublicKey =
        "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480BC13"
        + "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720";

    private const string Sample =
        "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"
        + "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8";

    private const string Test =
        "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB0542A7F0812998DA8F1DD3CA3CF023DB"
        + "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E06A739F040649A667BF3B828246BAA5A5";

    private static readonly BigInteger P =
        BigInteger.Pow(2, 384) - BigInteger.Pow(2, 128) - BigInteger.Pow(2, 96) + BigInteger.Pow(2, 32) - 1;

    private static readonly BigInteger N = Number(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973");

    private static readonly BigInteger B = Number(
        "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef");

    private static readonly Gen<BigInteger> Scalars = Gen.OneOf(
        Gen.Byte.Array[48].Select(b => new BigInteger(b, true)),
        Gen.Int[0, 5].Select(i => (BigInteger)i),
        Gen.Int[1, 5].Select(i => N - i),
        Gen.Int[1, 5].Select(i => P - i),
        Gen.Int[0, 383].Select(i => BigInteger.One << i));

    [Theory]
    [InlineData("sample", Sample)]
    [InlineData("test", Test)]
    public void Published_signatures_are_valid(string message, string signature)
        => Assert.True(EcdsaP384.VerifyMessage(Hex.Bytes(PublicKey), Encoding.ASCII.GetBytes(message), Hex.Bytes(signature)));

    [Fact]
    public void Signatures_of_other_messages_are_not()
        => Assert.False(EcdsaP384.VerifyMessage(Hex.Bytes(PublicKey), "sample"u8, Hex.Bytes(Test)));

    [Fact]
    public void One_changed_bit_anywhere_makes_it_invalid()
    {
        byte[] digest = SHA384.HashData("sample"u8);
        byte[][] inputs = [Hex.Bytes(PublicKey), digest, Hex.Bytes(Sample)];
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 767]).Sample(
            (which, bit) =>
            {
                byte[][] changed = [[.. inputs[0]], [.. inputs[1]], [.. inputs[2]]];
                bit %= changed[which].Length * 8;
                changed[which][bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.False(EcdsaP384.Verify(changed[0], changed[1], changed[2]));
            },
            iter: 100);
    }

    [Fact]
    public void Signatures_of_the_platform_are_valid()
    {
        for (int i = 0; i < 20; i++)
        {
            using ECDsa signer = ECDsa.Create(ECCurve.NamedCurves.nistP384);
            byte[] message = RandomNumberGenerator.GetBytes(100);
            byte[] signature = signer.SignData(message, HashAlgorithmName.SHA384);
            byte[] key = Encode(signer.ExportParameters(false).Q);
            Assert.True(EcdsaP384.VerifyMessage(key, message, signature));

            // (r, n - s) is the other valid signature.
            (BigInteger r, BigInteger s) = (Number(signature.AsSpan(0, 48)), Number(signature.AsSpan(48)));
            Assert.True(EcdsaP384.VerifyMessage(key, message, [.. Bytes(r), .. Bytes(N - s)]));
            Assert.False(EcdsaP384.VerifyMessage(key, message, [.. Bytes(s), .. Bytes(r)]));
            message[0] ^= 1;
            Assert.False(EcdsaP384.VerifyMessage(key, message, signature));
        }
    }

    [Fact]
    public void R_and_s_outside_their_range_are_refused()
    {
        byte[] key = Hex.Bytes(PublicKey);
        byte[] digest = SHA384.HashData("sample"u8);
        BigInteger r = Number(Sample[..96]);
        BigInteger s = Number(Sample[96..]);
        Assert.True(EcdsaP384.Verify(key, digest, [.. Bytes(r), .. Bytes(s)]));
        BigInteger[] wrong = [0, N, N + 1, P, (BigInteger.One << 384) - 1];
        foreach (BigInteger value in wrong)
        {
            Assert.False(EcdsaP384.Verify(key, digest, [.. Bytes(value), .. Bytes(s)]));
            Assert.False(EcdsaP384.Verify(key, digest, [.. Bytes(r), .. Bytes(value)]));
            Assert.False(EcdsaP384.Verify(key, digest, [.. Bytes(value), .. Bytes(value)]));
        }

        // The class of forgeries with r = s = 0 and digest zero.
        Assert.False(EcdsaP384.Verify(key, new byte[48], new byte[96]));
    }

    [Fact]
    public void Wrong_lengths_are_refused()
    {
        byte[] key = Hex.Bytes(PublicKey);
        byte[] digest = SHA384.HashData("sample"u8);
        byte[] signature = Hex.Bytes(Sample);
        Assert.False(EcdsaP384.Verify(key[1..], digest, signature));
        Assert.False(EcdsaP384.Verify([4, .. key], digest, signature));
        Assert.False(EcdsaP384.Verify(key, digest[1..], signature));
        Assert.False(EcdsaP384.Verify(key, [.. digest, 0], signature));
        Assert.False(EcdsaP384.Verify(key, digest, signature[1..]));
        Assert.False(EcdsaP384.Verify(key, digest, [.. signature, 0]));
        Assert.False(EcdsaP384.Verify([], [], []));
    }

    [Fact]
    public void Keys_that_are_no_points_are_refused()
    {
        byte[] digest = SHA384.HashData("sample"u8);
        byte[] signature = Hex.Bytes(Sample);
        BigInteger x = Number(PublicKey[..96]);
        BigInteger y = Number(PublicKey[96..]);
        (BigInteger X, BigInteger Y)[] wrong = [(0, 0), (x, y ^ 1), (x ^ 1, y), (y, x), (x, 0), (P, y), (x, P), (0, 1)];
        foreach ((BigInteger X, BigInteger Y) point in wrong)
        {
            Assert.False(EcdsaP384.Verify([.. Bytes(point.X), .. Bytes(point.Y)], digest, signature));
        }

        // A coordinate is not taken modulo p: the point with the smallest x that has one, written as x + p.
        (BigInteger small, BigInteger root) = FindPoint(0);
        Assert.True(small + P < BigInteger.One << 384);
        Assert.True(Enters(small, root));
        Assert.False(Enters(small + P, root));
        Assert.False(Enters(small, root + 1));
    }

    // u G + v Q is infinity when digest = -r d: no r fits it.
    [Fact]
    public void A_sum_at_infinity_is_refused()
    {
        using ECDsa signer = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        ECParameters parameters = signer.ExportParameters(true);
        BigInteger d = Number(parameters.D!);
        BigInteger r = 12345;
        BigInteger digest = N - (r * d % N);
        Assert.False(EcdsaP384.Verify(Encode(parameters.Q), Bytes(digest), [.. Bytes(r), .. Bytes(777)]));
    }

    // The base point and its negative as keys: sums of equal and of opposite points in the ladder.
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void Keys_related_to_the_base_point_work(int factor)
    {
        BigInteger d = factor > 0 ? factor : N + factor;
        ECPoint q = Multiply(d, 0, BasePoint());
        for (int i = 1; i < 10; i++)
        {
            // k = 1 ... 9: r is the abscissa of k G, s = (e + r d) / k.
            BigInteger r = Number(Multiply(i, 0, BasePoint()).X!) % N;
            BigInteger e = Number(SHA384.HashData([(byte)i])) % N;
            BigInteger s = (e + (r * d)) * BigInteger.ModPow(i, N - 2, N) % N;
            byte[] signature = [.. Bytes(r), .. Bytes(s)];
            Assert.True(EcdsaP384.Verify(Encode(q), Bytes(e), signature));
            Assert.True(PlatformVerifies(q, Bytes(e), signature));
        }
    }

    // A point whose abscissa is not below n, so that r is the abscissa less n; the key is made to fit.
    [Fact]
    public void An_abscissa_above_the_order_is_reduced()
    {
        (BigInteger x, BigInteger y) = FindPoint(N + 2);
        BigInteger r = x - N;
        BigInteger s = 987654321;
        BigInteger e = Number(SHA384.HashData("wrap"u8)) % N;
        BigInteger inverse = BigInteger.ModPow(r, N - 2, N);
        ECPoint q = Multiply((N - e) * inverse % N, s * inverse % N, new ECPoint { X = Bytes(x), Y = Bytes(y) });
        byte[] signature = [.. Bytes(r), .. Bytes(s)];
        Assert.True(PlatformVerifies(q, Bytes(e), signature));
        Assert.True(EcdsaP384.Verify(Encode(q), Bytes(e), signature));

        // The same numbers modulo n, but out of range: only the check of the range refuses them.
        Assert.False(EcdsaP384.Verify(Encode(q), Bytes(e), [.. Bytes(x), .. Bytes(s)]));
        Assert.False(EcdsaP384.Verify(Encode(q), Bytes(e), [.. Bytes(r), .. Bytes(s + N)]));
    }

    // A digest that is not below n counts modulo n.
    [Fact]
    public void A_digest_above_the_order_is_reduced()
    {
        using ECDsa signer = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        byte[] digest = Bytes((BigInteger.One << 384) - 1);
        byte[] signature = signer.SignHash(digest);
        Assert.True(EcdsaP384.Verify(Encode(signer.ExportParameters(false).Q), digest, signature));
    }

    [Fact]
    public void Field_arithmetic_agrees_with_big_integers()
    {
        Modulus384 p = default;
        Modulus384 n = default;
        p.Initialize(Limbs(P));
        n.Initialize(Limbs(N));
        Gen.Select(Scalars, Scalars).Sample((a, b) =>
        {
            CheckField(p, P, a % P, b % P);
            CheckField(n, N, a % N, b % N);
        });
    }

    // From the base point on, and infinity: the formula for doubling against that for adding.
    [Fact]
    public void Doubling_agrees_with_adding()
    {
        P384Curve curve = default;
        curve.Initialize();
        curve.Infinity(out P384Point point);
        for (int i = 0; i < 200; i++)
        {
            curve.Add(point, point, out P384Point sum);
            curve.Double(point, out P384Point twice);
            Assert.Equal(UInt384.IsZero(sum.Z), UInt384.IsZero(twice.Z));
            if (!UInt384.IsZero(sum.Z))
            {
                curve.Leave(sum, out UInt384 x, out UInt384 y);
                curve.Leave(twice, out UInt384 x2, out UInt384 y2);
                Assert.Equal((Number(x), Number(y)), (Number(x2), Number(y2)));
            }
            else
            {
                Assert.True(UInt384.IsZero(twice.X) && !UInt384.IsZero(twice.Y));
            }

            curve.Add(twice, curve.Base, out point);
        }
    }

    [Fact]
    public void Inversion_agrees_with_big_integers()
    {
        Modulus384 n = default;
        n.Initialize(Limbs(N));
        Scalars.Sample(
            a =>
            {
                n.Enter(Limbs(a % N), out UInt384 entered);
                n.Invert(entered, out UInt384 inverse);
                n.Leave(inverse, out UInt384 plain);
                Assert.Equal(BigInteger.ModPow(a, N - 2, N), Number(plain));
            },
            iter: 50);
    }

    private static void CheckField(in Modulus384 field, BigInteger modulus, BigInteger a, BigInteger b)
    {
        field.Add(Limbs(a), Limbs(b), out UInt384 result);
        Assert.Equal((a + b) % modulus, Number(result));
        field.Subtract(Limbs(a), Limbs(b), out result);
        Assert.Equal((a - b + modulus) % modulus, Number(result));
        field.Enter(Limbs(a), out UInt384 entered);
        field.Multiply(entered, Limbs(b), out result);
        Assert.Equal(a * b % modulus, Number(result));
        field.Leave(entered, out result);
        Assert.Equal(a, Number(result));
    }

    private static bool Enters(BigInteger x, BigInteger y)
    {
        P384Curve curve = default;
        curve.Initialize();
        return curve.TryEnter(Limbs(x), Limbs(y), out _);
    }

    // The first point at or after an abscissa. p = 3 modulo 4: a^((p + 1) / 4) is the root of a if it has one.
    private static (BigInteger X, BigInteger Y) FindPoint(BigInteger x)
    {
        for (; ; x++)
        {
            BigInteger square = ((x * x * x) - (3 * x) + B) % P;
            square = (square + P) % P;
            BigInteger y = BigInteger.ModPow(square, (P + 1) / 4, P);
            if (y * y % P == square)
            {
                return (x, y);
            }
        }
    }

    private static ECPoint BasePoint() => new()
    {
        X = Hex.Bytes("aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"),
        Y = Hex.Bytes("3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f"),
    };

    private static ECPoint Multiply(BigInteger u, BigInteger v, ECPoint q)
    {
        P384Curve curve = default;
        curve.Initialize();
        Assert.True(curve.TryEnter(Limbs(Number(q.X!)), Limbs(Number(q.Y!)), out P384Point point));
        curve.MultiplyAdd(Limbs(u), Limbs(v), point, out P384Point sum);
        curve.Field.Invert(sum.Z, out UInt384 inverse);
        curve.Field.Multiply(sum.X, inverse, out UInt384 x);
        curve.Field.Multiply(sum.Y, inverse, out UInt384 y);
        curve.Field.Leave(x, out x);
        curve.Field.Leave(y, out y);
        return new ECPoint { X = Bytes(Number(x)), Y = Bytes(Number(y)) };
    }

    private static bool PlatformVerifies(ECPoint key, byte[] digest, byte[] signature)
    {
        using ECDsa verifier = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, Q = key });
        return verifier.VerifyHash(digest, signature);
    }

    private static byte[] Encode(ECPoint point) => [.. point.X!, .. point.Y!];

    private static BigInteger Number(string hex) => BigInteger.Parse("0" + hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static BigInteger Number(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static BigInteger Number(in UInt384 value)
    {
        BigInteger result = 0;
        for (int i = 5; i >= 0; i--)
        {
            result = (result << 64) + value[i];
        }

        return result;
    }

    private static byte[] Bytes(BigInteger value)
    {
        byte[] result = new byte[48];
        byte[] bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        bytes.CopyTo(result, 48 - bytes.Length);
        return result;
    }

    private static UInt384 Limbs(BigInteger value)
    {
        UInt384.Read(Bytes(value), out UInt384 result);
        return result;
    }
}
