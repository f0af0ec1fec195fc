using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>
/// A deterministic random bit generator: ChaCha20 with fast key erasure. Each request takes its output and the next
/// key from the stream of the present key, which is then gone: memory captured later says nothing about earlier
/// output. Zero-initialised memory is a valid, unseeded generator. Not safe for concurrent use: the caller holds a
/// lock or keeps one generator per processor.
/// </summary>
[SkipLocalsInit]
public struct RandomGenerator
{
    /// <summary>The fewest bytes of full entropy that seed a generator.</summary>
    public const int SeedLength = 32;

    private Bytes32 _key;
    private bool _seeded;

    /// <summary>Whether the generator has been seeded and may be asked for output.</summary>
    public readonly bool IsSeeded => _seeded;

    /// <summary>
    /// Mixes in bytes that may hold some entropy, or none: they cannot make the generator worse, and do not count as
    /// a seed.
    /// </summary>
    public void Mix(ReadOnlySpan<byte> material)
    {
        Unsafe.SkipInit(out Bytes32 storage);
        Span<byte> next = storage;
        Hmac<Sha256>.Compute(_key, material, next);
        next.CopyTo(_key);
        ConstantTime.Wipe(next);
    }

    /// <summary>Mixes in a seed from a source that the caller trusts.</summary>
    /// <param name="seed">At least 32 bytes of full entropy.</param>
    /// <returns>False, with the bytes mixed in all the same, if the seed is too short to count.</returns>
    public bool Reseed(ReadOnlySpan<byte> seed)
    {
        Mix(seed);
        bool enough = seed.Length >= SeedLength;
        _seeded |= enough;
        return enough;
    }

    /// <summary>Fills a buffer with random bytes.</summary>
    /// <returns>False, and a buffer of zeros, if the generator has never been seeded.</returns>
    public bool Fill(Span<byte> output)
    {
        if (!_seeded)
        {
            ConstantTime.Wipe(output);
            return false;
        }

        Unsafe.SkipInit(out Bytes64 blockStorage);
        Unsafe.SkipInit(out Bytes32 nextStorage);
        Unsafe.SkipInit(out Bytes16 nonceStorage);
        Span<byte> block = blockStorage;
        Span<byte> next = nextStorage;
        Span<byte> nonce = nonceStorage;
        ConstantTime.Wipe(nonce);
        nonce = nonce[..12];

        // Block 0: the next key, then the first 32 bytes of output. A span has fewer than 2^31 bytes: the counter
        // does not wrap.
        uint counter = 0;
        ChaCha20.Block(_key, counter, nonce, block);
        block[..32].CopyTo(next);
        ReadOnlySpan<byte> available = block[32..];
        while (!output.IsEmpty)
        {
            if (available.IsEmpty)
            {
                ChaCha20.Block(_key, ++counter, nonce, block);
                available = block;
            }

            int take = Math.Min(available.Length, output.Length);
            available[..take].CopyTo(output);
            available = available[take..];
            output = output[take..];
        }

        next.CopyTo(_key);
        ConstantTime.Wipe(ref blockStorage);
        ConstantTime.Wipe(ref nextStorage);
        return true;
    }

    /// <summary>Overwrites the state; the generator is unseeded again.</summary>
    public void Wipe() => ConstantTime.Wipe(ref this);
}
