using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>HMAC (RFC 2104, FIPS 198-1) over <see cref="Sha256"/> or <see cref="Sha384"/>.</summary>
/// <typeparam name="THash">The hash function.</typeparam>
[SkipLocalsInit]
public struct Hmac<THash>
    where THash : unmanaged, IHash
{
#pragma warning disable CS0649, IDE0044 // Never assigned, could be read-only: their own Initialize writes them in place.
    private THash _inner;
    private THash _outer;
#pragma warning restore CS0649, IDE0044

    /// <summary>Computes the code of one message.</summary>
    /// <param name="key">The key, of any length.</param>
    /// <param name="data">The message.</param>
    /// <param name="code">Receives the code; exactly as long as the hash's digest.</param>
    public static void Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> code)
    {
        Unsafe.SkipInit(out Hmac<THash> hmac);
        hmac.Initialize(key);
        hmac.Update(data);
        hmac.Finish(code);
    }

    /// <summary>Starts a message under a key of any length.</summary>
    public void Initialize(ReadOnlySpan<byte> key)
    {
        Unsafe.SkipInit(out Bytes128 storage);
        Span<byte> pad = storage;
        pad = pad[..THash.BlockLength];
        ConstantTime.Wipe(pad);
        if (key.Length > pad.Length)
        {
            _inner.Initialize();
            _inner.Update(key);
            _inner.Finish(pad[..THash.DigestLength]);
        }
        else
        {
            key.CopyTo(pad);
        }

        for (int i = 0; i < pad.Length; i++)
        {
            pad[i] ^= 0x36;
        }

        _inner.Initialize();
        _inner.Update(pad);

        for (int i = 0; i < pad.Length; i++)
        {
            pad[i] ^= 0x36 ^ 0x5c;
        }

        _outer.Initialize();
        _outer.Update(pad);
        ConstantTime.Wipe(ref storage);
    }

    /// <summary>Takes the next piece of the message, of any length.</summary>
    public void Update(ReadOnlySpan<byte> data) => _inner.Update(data);

    /// <summary>Ends the message and wipes the state; call <see cref="Initialize"/> before another one.</summary>
    /// <param name="code">Receives the code; exactly as long as the hash's digest.</param>
    public void Finish(Span<byte> code)
    {
        _inner.Finish(code);
        _outer.Update(code);
        _outer.Finish(code);
    }
}
