using CsCheck;
using Xunit;

namespace BlackBox.Cryptography.Tests;

public class ConstantTimeTests
{
    [Fact]
    public void Equals_agrees_with_comparison()
    {
        Gen.Select(Gen.Byte[0, 1].Array[0, 4], Gen.Byte[0, 1].Array[0, 4])
            .Sample((a, b) => Assert.Equal(a.AsSpan().SequenceEqual(b), ConstantTime.Equals(a, b)));
    }

    [Fact]
    public void Every_single_bit_difference_is_seen()
    {
        byte[] a = new byte[33];
        for (int bit = 0; bit < a.Length * 8; bit++)
        {
            byte[] b = [.. a];
            b[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(ConstantTime.Equals(a, b));
        }

        Assert.True(ConstantTime.Equals(a, [.. a]));
    }

    [Fact]
    public void Wipe_clears_exactly_the_span()
    {
        for (int length = 0; length < 40; length++)
        {
            byte[] memory = new byte[length + 2];
            Array.Fill(memory, (byte)0xff);
            ConstantTime.Wipe(memory.AsSpan(1, length));
            Assert.Equal([0xff, .. new byte[length], 0xff], memory);
        }
    }

    [Theory]
    [InlineData(0UL, false, false, false)]
    [InlineData(0x10UL, true, false, false)]
    [InlineData(0x20UL, true, true, false)]
    [InlineData(0x1020UL, true, true, true)] // Neoverse N1
    [InlineData(0x2020UL, true, true, true)]
    [InlineData(0x0f00UL, false, false, false)]
    public void Instructions_are_read_from_the_identification_register(ulong register, bool aes, bool pmull, bool sha256)
    {
        InstructionSet instructions = new(register);
        Assert.Equal((aes, pmull, sha256), (instructions.Aes, instructions.Pmull, instructions.Sha256));
    }
}
