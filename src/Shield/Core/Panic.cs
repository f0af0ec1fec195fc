using System;
using System.Diagnostics.CodeAnalysis;

namespace BlackBox.Shield;

/// <summary>Why a shield stops its enclave: the number that the monitor records.</summary>
internal enum PanicReason
{
    /// <summary>A check of the language failed: index, overflow, division by zero.</summary>
    Check = 1,

    /// <summary>An exception inside the shield itself.</summary>
    Exception = 2,

    StaleHandle = 3,

    /// <summary>The OS broke the protocol in a way that leaves nothing to go on with.</summary>
    Protocol = 4,

    /// <summary>No memory where the shield cannot do without.</summary>
    OutOfMemory = 5,

    /// <summary>The kernel lock or another invariant of the shield is broken.</summary>
    Invariant = 6,

    /// <summary>The first program could not be started.</summary>
    Start = 7,

    /// <summary>The image does not match its manifest.</summary>
    Verification = 8,
}

/// <summary>End of the enclave.</summary>
internal static class Panic
{
    /// <summary>Longest text that the monitor takes.</summary>
    public const int MaxText = 200;

    /// <summary>Stops the enclave with a reason and a text (ASCII constant, or in the shield's own memory).</summary>
    [DoesNotReturn]
    public static void Stop(PanicReason reason, ReadOnlySpan<byte> text) =>
        Hardware.Stop((ulong)reason, text[..Math.Min(text.Length, MaxText)]);
}
