using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace BlackBox.Images.Tests;

public sealed class KeyTests
{
    // RFC 6979, A.2.6, P-384 with SHA-384.
    private const string Scalar = "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5";

    [Theory]
    [InlineData("sample",
        "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
        "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8")]
    [InlineData("test",
        "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB0542A7F0812998DA8F1DD3CA3CF023DB",
        "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E06A739F040649A667BF3B828246BAA5A5")]
    public void Signatures_are_those_of_RFC_6979(string message, string r, string s)
    {
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = Convert.FromHexString(Scalar) });
        using var deterministic = new DeterministicEcdsa(key);
        var hash = SHA384.HashData(Encoding.ASCII.GetBytes(message));
        var signature = deterministic.SignHash(hash);

        Assert.Equal(r + s, Convert.ToHexString(signature));
        Assert.True(key.VerifyHash(hash, signature));
    }

    [Fact]
    public void A_key_survives_its_PEM_file()
    {
        using var key = PublisherKey.Create();
        using var again = PublisherKey.FromPem(key.ToPem());
        Assert.Equal(key.Public, again.Public);
    }

    [Fact]
    public void Other_PEM_files_are_refused()
    {
        using var small = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);
        using var right = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        string[] bad =
        [
            "", "no key", small.ExportPkcs8PrivateKeyPem(), rsa.ExportPkcs8PrivateKeyPem(), right.ExportSubjectPublicKeyInfoPem(),
            right.ExportPkcs8PrivateKeyPem().Replace("MIG", "MIH", StringComparison.Ordinal), right.ExportPkcs8PrivateKeyPem()[..100],
            right.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)),
        ];
        Assert.All(bad, pem => Assert.Throws<InvalidDataException>(() => PublisherKey.FromPem(pem)));
    }
}
