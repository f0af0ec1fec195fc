using System;

namespace BlackBox.Monitor;

/// <summary>Where the platform's root key comes from. The key itself goes no further than <see cref="MonitorKeys"/>.</summary>
internal interface IRootKey
{
    /// <summary>Bytes of a root key.</summary>
    const int Length = 32;

    /// <summary>Copies the key.</summary>
    /// <param name="key"><see cref="Length"/> bytes</param>
    static abstract void Read(Span<byte> key);
}

/// <summary>The root key of development builds: public, the same in every image.</summary>
internal readonly struct DevelopmentRootKey : IRootKey
{
    public static void Read(Span<byte> key) => "BlackBox development root key v1"u8.CopyTo(key);
}

/// <summary>The seed that the TPM keeps for this platform (docs/boot.md); where there is none, in development, the key that everybody has.</summary>
internal readonly struct SealedRootKey : IRootKey
{
    public static void Read(Span<byte> key)
    {
        if ((BootFacts.Flags & BootFacts.SealedKey) == 0)
        {
            DevelopmentRootKey.Read(key);
            return;
        }

        BootFacts.Seed.CopyTo(key);
    }
}
