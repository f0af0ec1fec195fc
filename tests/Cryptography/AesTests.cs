using System.Runtime.InteropServices;
using System.Security.Cryptography;
using CsCheck;
using Xunit;

namespace BlackBox.Cryptography.Tests;

public class AesTests
{
    // FIPS 197, appendix C.3, in all four lanes.
    [Fact]
    public void A_block_is_encrypted_as_published()
    {
        uint[] schedule = new uint[60];
        ulong[] planes = new ulong[120];
        Aes256Portable.Expand(Hex.Bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), schedule);
        Aes256Portable.Slice(schedule, planes);
        byte[] four = Hex.Bytes(string.Concat(Enumerable.Repeat("00112233445566778899aabbccddeeff", 4)));
        Aes256Portable.EncryptFour(planes, MemoryMarshal.Cast<byte, uint>(four.AsSpan()));
        Assert.Equal(string.Concat(Enumerable.Repeat("8ea2b7ca516745bfeafc49904b496089", 4)), Hex.Text(four));
    }

    // FIPS 197, appendix A.3: the last round key.
    [Fact]
    public void A_key_is_expanded_as_published()
    {
        uint[] schedule = new uint[60];
        Aes256Portable.Expand(Hex.Bytes("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"), schedule);
        Assert.Equal("fe4890d1e6188d0b046df344706c631e", Hex.Text(MemoryMarshal.AsBytes(schedule.AsSpan(56))));
    }

    [Fact]
    public void Four_different_blocks_agree_with_the_platform()
    {
        Gen.Select(Gen.Byte.Array[32], Gen.Byte.Array[64]).Sample((key, data) =>
        {
            using Aes aes = Aes.Create();
            aes.Key = key;
            byte[] expected = aes.EncryptEcb(data, PaddingMode.None);
            uint[] schedule = new uint[60];
            ulong[] planes = new ulong[120];
            Aes256Portable.Expand(key, schedule);
            Aes256Portable.Slice(schedule, planes);
            Aes256Portable.EncryptFour(planes, MemoryMarshal.Cast<byte, uint>(data.AsSpan()));
            Assert.Equal(expected, data);
        });
    }

    // The inverse in GF(2^8) and the affine map of FIPS 197, section 5.1.1, for every byte.
    [Fact]
    public void The_substitution_circuit_is_right_for_all_bytes()
    {
        for (int value = 0; value < 256; value++)
        {
            ulong[] planes = new ulong[8];
            for (int bit = 0; bit < 8; bit++)
            {
                planes[bit] = ((value >> bit) & 1) != 0 ? ulong.MaxValue : 0;
            }

            AesSubstitution.Apply(planes);
            int inverse = Power(value, 254);
            int expected = 0x63;
            for (int turn = 0; turn < 5; turn++)
            {
                expected ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xff;
            }

            for (int bit = 0; bit < 8; bit++)
            {
                Assert.Equal(((expected >> bit) & 1) != 0 ? ulong.MaxValue : 0, planes[bit]);
            }
        }
    }

    private static int Power(int value, int exponent)
    {
        int result = 1;
        for (int i = 0; i < exponent; i++)
        {
            int product = 0;
            for (int bit = 0; bit < 8; bit++)
            {
                product ^= ((value >> bit) & 1) * (result << bit);
            }

            for (int bit = 14; bit >= 8; bit--)
            {
                product ^= ((product >> bit) & 1) * (0x11b << (bit - 8));
            }

            result = product;
        }

        return result;
    }
}
