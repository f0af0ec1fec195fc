using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BlackBox.Monitor;

/// <summary>How this monitor was started, as the loader of its own (src/Monitor/Uefi) told: flags, 8 bytes; SHA-256 of the monitor's flat image; SHA-256 of the boot manifest;
/// the platform's seed. A monitor that was started directly was told nothing.</summary>
internal static class BootFacts
{
    /// <summary>The TPM has measured everything up to here, and has signed it (EvidenceIpa).</summary>
    public const ulong Measured = 1;

    /// <summary>The firmware has checked the monitor's signature.</summary>
    public const ulong SecureBoot = 2;

    /// <summary>The root key is a secret of this platform's TPM.</summary>
    public const ulong SealedKey = 4;

    /// <summary>Anybody can sign what this monitor boots.</summary>
    public const ulong Development = 8;

    /// <summary>No device reaches past the SMMU.</summary>
    public const ulong DmaProtection = 16;

    /// <summary>Bytes of what the loader tells.</summary>
    public const int Length = 104;

    public const int MonitorOffset = 8;
    public const int ManifestOffset = 40;
    public const int SeedOffset = 72;

    private static Bytes _bytes;

    [InlineArray(Length)]
    private struct Bytes
    {
        private byte _first;
    }

    public static ulong Flags => BinaryPrimitives.ReadUInt64LittleEndian(_bytes);

    public static ReadOnlySpan<byte> MonitorDigest => ((ReadOnlySpan<byte>)_bytes).Slice(MonitorOffset, 32);

    public static ReadOnlySpan<byte> ManifestDigest => ((ReadOnlySpan<byte>)_bytes).Slice(ManifestOffset, 32);

    /// <summary>For <see cref="SealedRootKey"/> alone.</summary>
    public static ReadOnlySpan<byte> Seed => ((ReadOnlySpan<byte>)_bytes).Slice(SeedOffset, IRootKey.Length);

    /// <summary>Boot: keeps what the loader tells.</summary>
    public static void Take(ReadOnlySpan<byte> facts) => facts.Slice(0, Length).CopyTo(_bytes);

    /// <summary>Boot.</summary>
    public static void Add(ulong flag) => BinaryPrimitives.WriteUInt64LittleEndian(_bytes, Flags | flag);
}
