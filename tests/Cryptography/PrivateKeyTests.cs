using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Xunit;

namespace BlackBox.Cryptography.Tests;

/// <summary>Signing and key agreement with P-384.</summary>
public class PrivateKeyTests
{
    // RFC 6979, appendix A.2.6.
    private const string Rfc6979Key = "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5";

    private const string Rfc6979Public =
        "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480BC13"
        + "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720";

    private static readonly BigInteger N = BigInteger.Parse(
        "0ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static readonly Gen<byte[]> Keys = Gen.OneOf(
        Gen.Byte.Array[48].Select(bytes => new BigInteger(bytes, true)).Where(number => number > 0 && number < N),
        Gen.Int[1, 20].Select(i => (BigInteger)i),
        Gen.Int[1, 20].Select(i => N - i),
        Gen.Int[0, 383].Select(i => BigInteger.One << i)).Select(Bytes);

    [Theory]
    [InlineData(
        "sample",
        "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"
        + "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8")]
    [InlineData(
        "test",
        "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB0542A7F0812998DA8F1DD3CA3CF023DB"
        + "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E06A739F040649A667BF3B828246BAA5A5")]
    public void Signatures_are_the_published_ones(string message, string signature)
    {
        byte[] made = new byte[96];
        Assert.True(EcdsaP384.SignMessage(Hex.Bytes(Rfc6979Key), Encoding.ASCII.GetBytes(message), made));
        Assert.Equal(Hex.Bytes(signature), made);
    }

    [Fact]
    public void The_public_key_is_the_published_one()
        => Assert.Equal(Hex.Bytes(Rfc6979Public), PublicOf(Hex.Bytes(Rfc6979Key)));

    // RFC 5903, section 8.2, and the first case for P-384 of NIST's CAVP vectors "KAS_ECC_CDH_PrimitiveTest".
    [Theory]
    [InlineData(
        "099F3C7034D4A2C699884D73A375A67F7624EF7C6B3C0F160647B67414DCE655E35B538041E649EE3FAEF896783AB194",
        "667842D7D180AC2CDE6F74F37551F55755C7645C20EF73E31634FE72B4C55EE6DE3AC808ACB4BDB4C88732AEE95F41AA"
        + "9482ED1FC0EEB9CAFC4984625CCFC23F65032149E0E144ADA024181535A0F38EEB9FCFF3C2C947DAE69B4C634573A81C",
        "E558DBEF53EECDE3D3FCCFC1AEA08A89A987475D12FD950D83CFA41732BC509D0D1AC43A0336DEF96FDA41D0774A3571"
        + "DCFBEC7AACF3196472169E838430367F66EEBE3C6E70C416DD5F0C68759DD1FFF83FA40142209DFF5EAAD96DB9E6386C",
        "11187331C279962D93D604243FD592CB9D0A926F422E47187521287E7156C5C4D603135569B9E9D09CF5D4A270F59746")]
    [InlineData(
        "41CB0779B4BDB85D47846725FBEC3C9430FAB46CC8DC5060855CC9BDA0AA2942E0308312916B8ED2960E4BD55A7448FC",
        "E558DBEF53EECDE3D3FCCFC1AEA08A89A987475D12FD950D83CFA41732BC509D0D1AC43A0336DEF96FDA41D0774A3571"
        + "DCFBEC7AACF3196472169E838430367F66EEBE3C6E70C416DD5F0C68759DD1FFF83FA40142209DFF5EAAD96DB9E6386C",
        "667842D7D180AC2CDE6F74F37551F55755C7645C20EF73E31634FE72B4C55EE6DE3AC808ACB4BDB4C88732AEE95F41AA"
        + "9482ED1FC0EEB9CAFC4984625CCFC23F65032149E0E144ADA024181535A0F38EEB9FCFF3C2C947DAE69B4C634573A81C",
        "11187331C279962D93D604243FD592CB9D0A926F422E47187521287E7156C5C4D603135569B9E9D09CF5D4A270F59746")]
    [InlineData(
        "3cc3122a68f0d95027ad38c067916ba0eb8c38894d22e1b15618b6818a661774ad463b205da88cf699ab4d43c9cf98a1",
        "9803807f2f6d2fd966cdd0290bd410c0190352fbec7ff6247de1302df86f25d34fe4a97bef60cff548355c015dbb3e5f"
        + "ba26ca69ec2f5b5d9dad20cc9da711383a9dbe34ea3fa5a2af75b46502629ad54dd8b7d73a8abb06a3a3be47d650cc99",
        "a7c76b970c3b5fe8b05d2838ae04ab47697b9eaf52e764592efda27fe7513272734466b400091adbf2d68c58e0c50066"
        + "ac68f19f2e1cb879aed43a9969b91a0839c4c38a49749b661efedf243451915ed0905a32b060992b468c64766fc8437a",
        "5f9d29dc5e31a163060356213669c8ce132e22f57c9a04f40ba7fcead493b457e5621e766c40a2e3d4d6a04b25e533f1")]
    public void Agreements_are_the_published_ones(string privateKey, string ownPublic, string otherPublic, string secret)
    {
        Assert.Equal(Hex.Bytes(ownPublic), PublicOf(Hex.Bytes(privateKey)));
        byte[] made = new byte[48];
        Assert.True(EcdhP384.TryAgree(Hex.Bytes(privateKey), Hex.Bytes(otherPublic), made));
        Assert.Equal(Hex.Bytes(secret), made);
    }

    [Fact]
    public void Public_keys_agree_with_the_platform()
        => Keys.Sample(
            key =>
            {
                using ECDsa platform = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = key });
                Assert.Equal(Encode(platform.ExportParameters(false).Q), PublicOf(key));
            },
            iter: 200);

    [Fact]
    public void The_platform_accepts_signatures()
        => Gen.Select(Keys, Gen.Byte.Array[0, 200]).Sample(
            (key, message) =>
            {
                byte[] signature = new byte[96];
                Assert.True(EcdsaP384.SignMessage(key, message, signature));
                using ECDsa platform = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = key });
                Assert.True(platform.VerifyData(message, signature, HashAlgorithmName.SHA384));
                Assert.True(EcdsaP384.VerifyMessage(PublicOf(key), message, signature));
                byte[] again = new byte[96];
                Assert.True(EcdsaP384.SignMessage(key, message, again));
                Assert.Equal(signature, again);
            },
            iter: 100);

    // A digest above n counts modulo n, in the nonce as well (bits2octets).
    [Fact]
    public void The_platform_accepts_signatures_of_any_digest()
    {
        byte[] key = Hex.Bytes(Rfc6979Key);
        BigInteger[] digests = [0, 1, N - 1, N, N + 1, (BigInteger.One << 384) - 1];
        using ECDsa platform = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = key });
        foreach (BigInteger digest in digests)
        {
            byte[] signature = new byte[96];
            Assert.True(EcdsaP384.Sign(key, Bytes(digest), signature));
            Assert.True(platform.VerifyHash(Bytes(digest), signature));
        }

        byte[] ofZero = new byte[96];
        byte[] ofOrder = new byte[96];
        Assert.True(EcdsaP384.Sign(key, Bytes(0), ofZero));
        Assert.True(EcdsaP384.Sign(key, Bytes(N), ofOrder));
        Assert.Equal(ofZero, ofOrder);
    }

    [Fact]
    public void Agreements_agree_with_the_platform()
        => Gen.Select(Keys, Keys).Sample(
            (mine, other) =>
            {
                using ECDiffieHellman a = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = mine });
                using ECDiffieHellman b = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = other });
                byte[] secret = new byte[48];
                Assert.True(EcdhP384.TryAgree(mine, PublicOf(other), secret));
                Assert.Equal(a.DeriveRawSecretAgreement(b.PublicKey), secret);
            },
            iter: 100);

    [Fact]
    public void Numbers_that_are_no_private_keys_are_refused()
    {
        BigInteger[] wrong = [0, N, N + 1, (BigInteger.One << 384) - 1];
        foreach (BigInteger number in wrong)
        {
            byte[] output = [.. Enumerable.Repeat((byte)0xff, 96)];
            Assert.False(EcdhP384.TryGetPublicKey(Bytes(number), output));
            Assert.All(output, value => Assert.Equal(0, value));
            Array.Fill(output, (byte)0xff);
            Assert.False(EcdsaP384.Sign(Bytes(number), new byte[48], output));
            Assert.All(output, value => Assert.Equal(0, value));
            Assert.False(EcdhP384.TryAgree(Bytes(number), Hex.Bytes(Rfc6979Public), output.AsSpan(0, 48)));
        }
    }

    [Fact]
    public void Points_off_the_curve_are_refused()
    {
        byte[] key = Hex.Bytes(Rfc6979Key);
        byte[] good = Hex.Bytes(Rfc6979Public);
        byte[] secret = new byte[48];
        Assert.True(EcdhP384.TryAgree(key, good, secret));
        Gen.Int[0, 767].Sample(
            bit =>
            {
                byte[] changed = [.. good];
                changed[bit / 8] ^= (byte)(1 << (bit % 8));
                byte[] output = [.. Enumerable.Repeat((byte)0xff, 48)];
                Assert.False(EcdhP384.TryAgree(key, changed, output));
                Assert.All(output, value => Assert.Equal(0, value));
            },
            iter: 100);
        Assert.False(EcdhP384.TryAgree(key, new byte[96], secret));
        Assert.False(EcdhP384.TryAgree(key, Enumerable.Repeat((byte)0xff, 96).ToArray(), secret));
        Assert.False(EcdhP384.TryAgree(key, good[1..], secret));
        Assert.False(EcdhP384.TryAgree(key, [4, .. good], secret));
        Assert.False(EcdhP384.TryAgree(key, [], secret));
    }

    // Every digit in every window, and scalars with equal digits.
    [Fact]
    public void Every_window_takes_every_digit()
    {
        P384Curve curve = default;
        curve.Initialize();
        for (int window = 0; window < 96; window++)
        {
            for (int digit = 1; digit < 16; digit += window % 2 == 0 ? 1 : 5)
            {
                BigInteger scalar = ((BigInteger)digit << (4 * window)) % N;
                UInt384.Read(Bytes(scalar), out UInt384 k);
                UInt384.Set(out UInt384 zero, 0, 0, 0, 0, 0, 0);
                curve.MultiplySecret(k, curve.Base, out P384Point secret);
                curve.MultiplyAdd(k, zero, curve.Base, out P384Point open);
                curve.Leave(secret, out UInt384 x, out UInt384 y);
                curve.Leave(open, out UInt384 otherX, out UInt384 otherY);
                Assert.True(UInt384.AreEqual(x, otherX) && UInt384.AreEqual(y, otherY), $"digit {digit} of window {window}");
            }
        }
    }

    private static byte[] PublicOf(byte[] key)
    {
        byte[] result = new byte[96];
        Assert.True(EcdhP384.TryGetPublicKey(key, result));
        return result;
    }

    private static byte[] Encode(ECPoint point) => [.. point.X!, .. point.Y!];

    private static byte[] Bytes(BigInteger value)
    {
        byte[] bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[48 - bytes.Length], .. bytes];
    }
}
