using System;

namespace BlackBox.Monitor;

/// <summary>The platform's root key. It goes no further than <see cref="MonitorKeys"/>.</summary>
internal static class RootKey
{
    /// <summary>Bytes of a root key.</summary>
    public const int Length = 32;

    /// <summary>Copies the key: the seed that the TPM keeps for this platform (docs/boot.md), or the public one of development builds, where there is none.</summary>
    /// <param name="key"><see cref="Length"/> bytes</param>
    /// <param name="forAnybody">the public one in any case</param>
    public static void Read(Span<byte> key, bool forAnybody)
    {
        bool isSealed = !forAnybody && (BootFacts.Flags & BootFacts.SealedKey) != 0;
        (isSealed ? BootFacts.Seed : "BlackBox development root key v1"u8).CopyTo(key);
    }
}
