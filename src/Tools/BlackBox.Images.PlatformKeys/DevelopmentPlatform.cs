using System;
using BlackBox.Monitor;

namespace BlackBox.Images;

/// <summary>The platform of development builds: its root key is public, so what is wrapped for it protects nothing outside a test.</summary>
public static class DevelopmentPlatform
{
    /// <summary>The key that content keys are wrapped with.</summary>
    /// <param name="key">32 bytes</param>
    public static void WrapKey(Span<byte> key) => MonitorKeys.Derive(MonitorKeys.WrapPurpose, key);

    /// <summary>What the monitor does with a WrappedKey (src/Abi/abi.json) of 128 bytes: checks it and decrypts it in place.</summary>
    /// <returns>false: not made for this platform, or altered.</returns>
    public static bool TryUnwrap(Span<byte> blob) => MonitorKeys.TryUnwrap(blob);
}
