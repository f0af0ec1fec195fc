using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>SHA-256 (FIPS 180-4, section 6.2).</summary>
[SkipLocalsInit]
public struct Sha256 : IHash
{
    /// <summary>Bytes of the digest.</summary>
    public const int Length = 32;

    private const int Block = 64;

    private Words8 _state;
    private Bytes64 _buffer;
    private ulong _length;

    /// <inheritdoc/>
    public static int BlockLength => Block;

    /// <inheritdoc/>
    public static int DigestLength => Length;

    /// <summary>Hashes one message.</summary>
    /// <param name="data">The message.</param>
    /// <param name="digest">Receives the digest; exactly 32 bytes.</param>
    public static void Hash(ReadOnlySpan<byte> data, Span<byte> digest)
    {
        Unsafe.SkipInit(out Sha256 hash);
        hash.Initialize();
        hash.Update(data);
        hash.Finish(digest);
    }

    /// <inheritdoc/>
    public void Initialize()
    {
        // FIPS 180-4, section 5.3.3.
        _state[0] = 0x6a09e667;
        _state[1] = 0xbb67ae85;
        _state[2] = 0x3c6ef372;
        _state[3] = 0xa54ff53a;
        _state[4] = 0x510e527f;
        _state[5] = 0x9b05688c;
        _state[6] = 0x1f83d9ab;
        _state[7] = 0x5be0cd19;
        _length = 0;
    }

    /// <inheritdoc/>
    public void Update(ReadOnlySpan<byte> data)
    {
        Span<byte> buffer = _buffer;
        int used = (int)(_length % Block);
        _length += (ulong)data.Length;

        if (used != 0)
        {
            int take = Math.Min(Block - used, data.Length);
            data[..take].CopyTo(buffer[used..]);
            data = data[take..];
            if (used + take < Block)
            {
                return;
            }

            Backend.Sha256Blocks(_state, buffer);
        }

        int whole = data.Length - (data.Length % Block);
        if (whole != 0)
        {
            Backend.Sha256Blocks(_state, data[..whole]);
        }

        data[whole..].CopyTo(buffer);
    }

    /// <inheritdoc/>
    public void Finish(Span<byte> digest)
    {
        Require.That(digest.Length == Length);
        Span<byte> buffer = _buffer;
        Span<uint> state = _state;
        int used = (int)(_length % Block);

        buffer[used++] = 0x80;
        if (used > Block - sizeof(ulong))
        {
            ConstantTime.Wipe(buffer[used..]);
            Backend.Sha256Blocks(state, buffer);
            used = 0;
        }

        ConstantTime.Wipe(buffer[used..]);
        BinaryPrimitives.WriteUInt64BigEndian(buffer[(Block - sizeof(ulong))..], _length * 8);
        Backend.Sha256Blocks(state, buffer);

        for (int i = 0; i < state.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(digest[(4 * i)..], state[i]);
        }

        ConstantTime.Wipe(ref this);
    }
}
