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

    [Fact]
    public void A_genuine_blob_is_decrypted_in_place()
    {
        byte[] blob = Wrap("blackbox/wrap-key/1");
        byte[] before = [.. blob];
        Assert.True(DevelopmentPlatform.TryUnwrap(blob));
        Assert.Equal(Content, blob[16..48]);
        Assert.Equal(Publisher, blob[48..80]);
        Assert.Equal(before[..16], blob[..16]);
        Assert.Equal(before[80..], blob[80..]);
    }

    /// <summary>Whatever bit is changed, reserved ones included: refused, and the blob stays as it was.</summary>
    [Fact]
    public void Every_changed_bit_is_refused_and_nothing_changes()
    {
        byte[] good = Wrap("blackbox/wrap-key/1");
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
    [InlineData(127)]
    [InlineData(129)]
    public void A_blob_of_another_length_is_refused(int length) => Assert.False(DevelopmentPlatform.TryUnwrap(new byte[length]));

    [Fact]
    public void A_key_of_another_purpose_does_not_fit() => Assert.False(DevelopmentPlatform.TryUnwrap(Wrap("blackbox/other/1")));

    private static byte[] Wrap(string purpose)
    {
        byte[] key = HKDF.DeriveKey(HashAlgorithmName.SHA256, "BlackBox development root key v1"u8.ToArray(), 32, salt: [], info: Encoding.ASCII.GetBytes(purpose));
        byte[] blob = new byte[128];
        RandomNumberGenerator.Fill(blob.AsSpan(0, 12));
        BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(12), 1);
        using var cipher = new AesGcm(key, 16);
        cipher.Encrypt(blob.AsSpan(0, 12), [.. Content, .. Publisher], blob.AsSpan(16, 64), blob.AsSpan(80, 16), blob.AsSpan(12, 4));
        return blob;
    }
}
