using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BlackBox.Monitor;

/// <summary>What is known of how this machine was started; Evidence says it to others. The loader of its own (src/Monitor/Uefi) tells the monitor: flags, 8 bytes;
/// digest of the boot manifest; the platform's seed. A monitor that another loader started was measured by nobody: its own digest is then only what it says of itself.</summary>
internal static class BootFacts
{
    /// <summary>A TPM has signed measurements of monitor, boot manifest, kernel, initrd and command line (EvidenceIpa).</summary>
    public const uint Measured = 1;

    /// <summary>The firmware started the monitor under Secure Boot.</summary>
    public const uint SecureBoot = 2;

    /// <summary>The root key is a secret of this platform's TPM, which gives it to approved measurements only.</summary>
    public const uint SealedKey = 4;

    /// <summary>Whatever anybody signs is started: a build for development, or a monitor that was started directly.</summary>
    public const uint Development = 8;

    /// <summary>Devices reach no memory but the OS's.</summary>
    public const uint DmaProtection = 16;

    private const int ToldLength = 72;
    private const int DigestLength = 32;

    private static Bytes _bytes;

    [InlineArray(ToldLength + DigestLength)]
    private struct Bytes
    {
        private byte _first;
    }

    public static uint Flags => BinaryPrimitives.ReadUInt32LittleEndian(_bytes);

    /// <summary>SHA-256 of the flat monitor image; 32 bytes.</summary>
    public static Span<byte> MonitorDigest => ((Span<byte>)_bytes).Slice(ToldLength);

    /// <summary>SHA-256 of the boot manifest, zeros without one; 32 bytes.</summary>
    public static Span<byte> ManifestDigest => ((Span<byte>)_bytes).Slice(8, DigestLength);

    /// <summary>For <see cref="RootKey"/> alone.</summary>
    public static Span<byte> Seed => ((Span<byte>)_bytes).Slice(40, RootKey.Length);

    /// <summary>Boot: all that a loader tells.</summary>
    public static Span<byte> Told => ((Span<byte>)_bytes).Slice(0, ToldLength);

    /// <summary>Boot.</summary>
    public static void Add(uint flag) => BinaryPrimitives.WriteUInt32LittleEndian(_bytes, Flags | flag);
}
