using System;

namespace BlackBox.Cryptography;

/// <summary>A hash function that takes its input in pieces. All state is in the structure, in the caller's memory.</summary>
public interface IHash
{
    /// <summary>Bytes that one application of the compression function consumes: 64 or 128.</summary>
    static abstract int BlockLength { get; }

    /// <summary>Bytes of the digest.</summary>
    static abstract int DigestLength { get; }

    /// <summary>Starts a new message; needed before the first, and possible at any time.</summary>
    void Initialize();

    /// <summary>Takes the next piece of the message, of any length.</summary>
    void Update(ReadOnlySpan<byte> data);

    /// <summary>Ends the message and wipes the state; call <see cref="Initialize"/> before another one.</summary>
    /// <param name="digest">Receives the digest; exactly <see cref="DigestLength"/> bytes.</param>
    void Finish(Span<byte> digest);
}
