using System.Security.Cryptography;
using CsCheck;
using Xunit;

namespace BlackBox.Cryptography.Tests;

public class RandomGeneratorTests
{
    // RFC 8439, section 2.3.2.
    [Fact]
    public void The_block_function_gives_the_published_block()
    {
        byte[] block = new byte[64];
        ChaCha20.Block(
            Hex.Bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), 1, Hex.Bytes("000000090000004a00000000"), block);
        Assert.Equal(
            "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4ed2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e",
            Hex.Text(block));
    }

    // The platform's ChaCha20-Poly1305 encrypts with blocks 1, 2 ... of the same stream.
    [Fact]
    public void The_block_function_agrees_with_the_platform()
    {
        Assert.SkipUnless(ChaCha20Poly1305.IsSupported, "The platform has no ChaCha20-Poly1305.");
        Gen.Select(Gen.Byte.Array[32], Gen.Byte.Array[12]).Sample((key, nonce) =>
        {
            using ChaCha20Poly1305 reference = new(key);
            byte[] stream = new byte[128];
            reference.Encrypt(nonce, new byte[128], stream, new byte[16]);
            byte[] block = new byte[64];
            ChaCha20.Block(key, 1, nonce, block);
            Assert.Equal(stream[..64], block);
            ChaCha20.Block(key, 2, nonce, block);
            Assert.Equal(stream[64..], block);
        });
    }

    [Fact]
    public void An_unseeded_generator_gives_nothing()
    {
        RandomGenerator generator = default;
        byte[] output = [1, 2, 3];
        Assert.False(generator.Fill(output));
        Assert.Equal(new byte[3], output);
        generator.Mix(new byte[64]);
        Assert.False(generator.Reseed(new byte[31]));
        Assert.False(generator.IsSeeded);
        Assert.False(generator.Fill(output));
        Assert.True(generator.Reseed(new byte[32]));
        Assert.True(generator.Fill(output));
    }

    // The construction, put together again from its description.
    [Fact]
    public void Output_and_next_key_are_consecutive_parts_of_the_stream()
    {
        Gen.Select(Gen.Byte.Array[32, 80], Gen.Int[0, 300], Gen.Int[1, 300]).Sample((seed, first, second) =>
        {
            RandomGenerator generator = default;
            generator.Reseed(seed);
            byte[] key = HMACSHA256.HashData(new byte[32], seed);
            foreach (int length in new[] { first, second })
            {
                byte[] stream = new byte[64 * 8];
                for (int i = 0; i < 8; i++)
                {
                    ChaCha20.Block(key, (uint)i, new byte[12], stream.AsSpan(64 * i));
                }

                byte[] output = new byte[length];
                Assert.True(generator.Fill(output));
                Assert.Equal(stream[32..(32 + length)], output);
                key = stream[..32];
            }
        });
    }

    [Fact]
    public void Every_byte_of_every_seed_matters()
    {
        byte[] seed = new byte[48];
        HashSet<string> outputs = [];
        for (int i = 0; i < seed.Length; i++)
        {
            byte[] changed = [.. seed];
            changed[i] ^= 1;
            RandomGenerator generator = default;
            generator.Reseed(seed);
            generator.Reseed(changed);
            byte[] output = new byte[16];
            Assert.True(generator.Fill(output));
            Assert.True(outputs.Add(Hex.Text(output)));
        }
    }

    [Fact]
    public void Wipe_makes_it_unseeded()
    {
        RandomGenerator generator = default;
        generator.Reseed(new byte[32]);
        generator.Wipe();
        Assert.False(generator.IsSeeded);
        Assert.True(Memory.IsZero(ref generator));
    }
}
