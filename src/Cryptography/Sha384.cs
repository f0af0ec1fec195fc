using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>SHA-384 (FIPS 180-4, section 6.5).</summary>
[SkipLocalsInit]
public struct Sha384 : IHash
{
    /// <summary>Bytes of the digest.</summary>
    public const int Length = 48;

    private const int Block = 128;

    private Longs8 _state;
    private Bytes128 _buffer;
    private ulong _length;

    /// <inheritdoc/>
    public static int BlockLength => Block;

    /// <inheritdoc/>
    public static int DigestLength => Length;

    /// <summary>Hashes one message.</summary>
    /// <param name="data">The message.</param>
    /// <param name="digest">Receives the digest; exactly 48 bytes.</param>
    public static void Hash(ReadOnlySpan<byte> data, Span<byte> digest)
    {
        Unsafe.SkipInit(out Sha384 hash);
        hash.Initialize();
        hash.Update(data);
        hash.Finish(digest);
    }

    /// <inheritdoc/>
    public void Initialize()
    {
        // FIPS 180-4, section 5.3.4.
        _state[0] = 0xcbbb9d5dc1059ed8;
        _state[1] = 0x629a292a367cd507;
        _state[2] = 0x9159015a3070dd17;
        _state[3] = 0x152fecd8f70e5939;
        _state[4] = 0x67332667ffc00b31;
        _state[5] = 0x8eb44a8768581511;
        _state[6] = 0xdb0c2e0d64f98fa7;
        _state[7] = 0x47b5481dbefa4fa4;
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

            Sha512Core.Blocks(_state, buffer);
        }

        int whole = data.Length - (data.Length % Block);
        if (whole != 0)
        {
            Sha512Core.Blocks(_state, data[..whole]);
        }

        data[whole..].CopyTo(buffer);
    }

    /// <inheritdoc/>
    public void Finish(Span<byte> digest)
    {
        Require.That(digest.Length == Length);
        Span<byte> buffer = _buffer;
        Span<ulong> state = _state;
        int used = (int)(_length % Block);

        buffer[used++] = 0x80;
        if (used > Block - (2 * sizeof(ulong)))
        {
            ConstantTime.Wipe(buffer[used..]);
            Sha512Core.Blocks(state, buffer);
            used = 0;
        }

        ConstantTime.Wipe(buffer[used..]);
        // The length field has 128 bits; 64 of them are enough for any message there will be.
        BinaryPrimitives.WriteUInt64BigEndian(buffer[(Block - sizeof(ulong))..], _length * 8);
        Sha512Core.Blocks(state, buffer);

        for (int i = 0; i < Length / sizeof(ulong); i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(digest[(8 * i)..], state[i]);
        }

        ConstantTime.Wipe(ref this);
    }
}
