using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using BlackBox.Images;
using Xunit;

namespace BlackBox.Monitor.Tests;

/// <summary>Unwrapping of content keys (src/Monitor/Platform/MonitorKeys.cs), against blobs made by the platform's own cryptography.</summary>
public sealed class KeyTests
{
    private static readonly byte[] Content = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
    private static readonly byte[] Publisher = SHA256.HashData("publisher"u8);

    /// <summary>Blobs made by .NET's own classes, from the structures of RFC 9053.</summary>
    [Fact]
    public void A_genuine_blob_is_decrypted_in_place()
    {
        byte[] blob = Wrap(UnwrapPurpose);
        byte[] before = [.. blob];
        Assert.True(DevelopmentPlatform.TryUnwrap(blob));
        Assert.Equal(Content, blob[112..144]);
        Assert.Equal(Publisher, blob[144..176]);
        Assert.Equal(before[..112], blob[..112]);
        Assert.Equal(before[176..], blob[176..]);
    }

    /// <summary>Whatever bit is changed: refused, and the blob stays as it was.</summary>
    [Fact]
    public void Every_changed_bit_is_refused_and_nothing_changes()
    {
        byte[] good = Wrap(UnwrapPurpose);
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            byte[] copy = [.. bad];
            Assert.False(DevelopmentPlatform.TryUnwrap(bad), $"bit {bit}");
            Assert.Equal(copy, bad);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(191)]
    [InlineData(193)]
    public void A_blob_of_another_length_is_refused(int length) => Assert.False(DevelopmentPlatform.TryUnwrap(new byte[length]));

    [Fact]
    public void A_key_of_another_purpose_does_not_fit() => Assert.False(DevelopmentPlatform.TryUnwrap(Wrap("blackbox/attest-key/1")));

    [Theory]
    [InlineData("8403830000f683f6f6f68219010044a1013818", EncryptContext)]    // another party
    [InlineData("840383f6f6f683f6f6f68219008044a1013818", EncryptContext)]    // 128 bits
    [InlineData(KeyContext, "8367456e637279707443a1010140")]                  // A128GCM
    [InlineData(KeyContext, "8367456e637279707443a101034100")]                // external data
    public void A_key_of_another_context_does_not_fit(string keyContext, string encryptContext) =>
        Assert.False(DevelopmentPlatform.TryUnwrap(Wrap(UnwrapPurpose, keyContext, encryptContext)));

    private const string UnwrapPurpose = "blackbox/unwrap-key/1";
    private const string KeyContext = "840383f6f6f683f6f6f68219010044a1013818";
    private const string EncryptContext = "8367456e637279707443a1010340";

    private static byte[] Wrap(string purpose, string keyContext = KeyContext, string encryptContext = EncryptContext)
    {
        byte[] scalar = HKDF.DeriveKey(HashAlgorithmName.SHA256, "BlackBox development root key v1"u8.ToArray(), 48, salt: [], info: Encoding.ASCII.GetBytes(purpose));
        using var platform = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = scalar });
        using var ephemeral = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        ECPoint point = ephemeral.ExportParameters(false).Q;
        byte[] key = HKDF.DeriveKey(HashAlgorithmName.SHA256, ephemeral.DeriveRawSecretAgreement(platform.PublicKey), 32, salt: [], info: Convert.FromHexString(keyContext));
        byte[] blob = new byte[192];
        point.X!.CopyTo(blob, 0);
        point.Y!.CopyTo(blob, 48);
        RandomNumberGenerator.Fill(blob.AsSpan(96, 12));
        BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(108), 2);
        using var cipher = new AesGcm(key, 16);
        cipher.Encrypt(blob.AsSpan(96, 12), [.. Content, .. Publisher], blob.AsSpan(112, 64), blob.AsSpan(176, 16), Convert.FromHexString(encryptContext));
        return blob;
    }
}
