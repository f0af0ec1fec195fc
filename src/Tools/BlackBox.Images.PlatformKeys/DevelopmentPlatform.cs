using System;
using BlackBox.Monitor;

namespace BlackBox.Images;

/// <summary>The platform of development builds: its root key is public, so what is wrapped for it protects nothing outside a test, and
/// what it signs proves nothing.</summary>
public static class DevelopmentPlatform
{
    /// <summary>The private key that opens wrapped content keys.</summary>
    /// <param name="key">48 bytes</param>
    public static void ReadUnwrapKey(Span<byte> key) => MonitorKeys.Derive(MonitorKeys.UnwrapPurpose, key);

    /// <summary>The private key that signs evidence.</summary>
    /// <param name="key">48 bytes</param>
    public static void ReadAttestKey(Span<byte> key) => MonitorKeys.Derive(MonitorKeys.AttestPurpose, key);

    /// <summary>What the monitor does with a WrappedKey (src/Abi/abi.json) of 192 bytes: checks it and decrypts it in place.</summary>
    /// <returns>false: not made for this platform, or altered.</returns>
    public static bool TryUnwrap(Span<byte> blob) => MonitorKeys.TryUnwrap(blob);

    /// <summary>Signs as the monitor signs evidence: COSE_Sign1 with ES384.</summary>
    /// <returns>bytes of the message</returns>
    public static int Sign(ReadOnlySpan<byte> payload, Span<byte> message) => MonitorKeys.Sign(payload, message);
}
