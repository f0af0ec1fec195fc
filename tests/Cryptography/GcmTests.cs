using System.Security.Cryptography;
using CsCheck;
using Xunit;

namespace BlackBox.Cryptography.Tests;

public class GcmTests
{
    public static TheoryData<string, string, string, string, string, string> Published => GcmVectors.All;

    [Theory]
    [MemberData(nameof(Published))]
    public void Published_cases_hold(string key, string nonce, string associated, string plain, string cipher, string tag)
    {
        Aes256Gcm gcm = default;
        gcm.Initialize(Hex.Bytes(key));
        byte[] data = Hex.Bytes(plain);
        byte[] computed = new byte[16];
        gcm.Encrypt(Hex.Bytes(nonce), Hex.Bytes(associated), data, computed);
        Assert.Equal(cipher, Hex.Text(data));
        Assert.Equal(tag, Hex.Text(computed));
        Assert.True(gcm.Decrypt(Hex.Bytes(nonce), Hex.Bytes(associated), data, computed));
        Assert.Equal(plain, Hex.Text(data));
    }

    [Fact]
    public void Encryption_agrees_with_the_platform()
    {
        Gen.Select(Gen.Byte.Array[32], Gen.Byte.Array[12], Gen.Byte.Array[0, 100], Gen.Byte.Array[0, 400])
            .Sample((key, nonce, associated, plain) =>
            {
                using AesGcm reference = new(key, 16);
                byte[] cipher = new byte[plain.Length];
                byte[] tag = new byte[16];
                reference.Encrypt(nonce, plain, cipher, tag, associated);

                Aes256Gcm gcm = default;
                gcm.Initialize(key);
                byte[] data = [.. plain];
                byte[] computed = new byte[16];
                gcm.Encrypt(nonce, associated, data, computed);
                Assert.Equal(cipher, data);
                Assert.Equal(tag, computed);
                Assert.True(gcm.Decrypt(nonce, associated, data, tag));
                Assert.Equal(plain, data);
            });
    }

    // The size that images use, and one that is not a multiple of anything.
    [Theory]
    [InlineData(4096)]
    [InlineData(100_003)]
    public void Large_messages_agree_with_the_platform(int length)
    {
        byte[] key = RandomNumberGenerator.GetBytes(32);
        byte[] nonce = RandomNumberGenerator.GetBytes(12);
        byte[] plain = RandomNumberGenerator.GetBytes(length);
        byte[] cipher = new byte[length];
        byte[] tag = new byte[16];
        using AesGcm reference = new(key, 16);
        reference.Encrypt(nonce, plain, cipher, tag);

        Aes256Gcm gcm = default;
        gcm.Initialize(key);
        Assert.True(gcm.Decrypt(nonce, [], cipher, tag));
        Assert.Equal(plain, cipher);
    }

    [Fact]
    public void One_changed_bit_anywhere_is_noticed_and_no_plaintext_is_released()
    {
        Gen.Select(Gen.Byte.Array[1, 50], Gen.Byte.Array[1, 200], Gen.Int[0, 3], Gen.Int[0, 10_000])
            .Sample((associated, plain, where, bit) =>
            {
                Aes256Gcm gcm = default;
                gcm.Initialize(new byte[32]);
                byte[] nonce = new byte[12];
                byte[] data = [.. plain];
                byte[] tag = new byte[16];
                gcm.Encrypt(nonce, associated, data, tag);

                byte[] target = where switch { 0 => nonce, 1 => associated, 2 => data, _ => tag };
                bit %= target.Length * 8;
                target[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.False(gcm.Decrypt(nonce, associated, data, tag));
                Assert.All(data, b => Assert.Equal(0, b));
            });
    }

    [Fact]
    public void Moving_bytes_between_data_and_associated_data_is_noticed()
    {
        Aes256Gcm gcm = default;
        gcm.Initialize(new byte[32]);
        byte[] nonce = new byte[12];
        byte[] data = new byte[32];
        byte[] tag = new byte[16];
        gcm.Encrypt(nonce, [], data, tag);
        Assert.False(gcm.Decrypt(nonce, data[..16], data[16..], tag));
        Assert.False(gcm.Decrypt(nonce, [], data[..31], tag));
        Assert.False(gcm.Decrypt(nonce, [], [.. data, 0], tag));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(17)]
    public void A_tag_of_another_length_never_matches(int length)
    {
        Aes256Gcm gcm = default;
        gcm.Initialize(new byte[32]);
        byte[] tag = new byte[16];
        gcm.Encrypt(new byte[12], [], [], tag);
        Array.Resize(ref tag, length);
        Assert.False(gcm.Decrypt(new byte[12], [], [], tag));
    }

    [Fact]
    public void Keys_and_nonces_of_other_lengths_are_refused()
    {
        Aes256Gcm gcm = default;
        Assert.Throws<IndexOutOfRangeException>(() => gcm.Initialize(new byte[31]));
        Assert.Throws<IndexOutOfRangeException>(() => gcm.Encrypt(new byte[13], [], [], new byte[16]));
        Assert.Throws<IndexOutOfRangeException>(() => gcm.Encrypt(new byte[12], [], [], new byte[15]));
        Assert.Throws<IndexOutOfRangeException>(() => gcm.Decrypt(new byte[8], [], [], new byte[16]));
    }

    [Fact]
    public void Wipe_leaves_no_key()
    {
        Aes256Gcm gcm = default;
        gcm.Initialize(new byte[32]);
        Assert.False(Memory.IsZero(ref gcm));
        gcm.Wipe();
        Assert.True(Memory.IsZero(ref gcm));
    }
}
