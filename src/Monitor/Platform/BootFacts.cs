using System;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>What is known of how this machine was started; <see cref="Evidence"/> says it to others. A monitor that a loader started directly
/// was measured by nobody: its own digest is then only what it says of itself.</summary>
internal static class BootFacts
{
    /// <summary>A TPM holds measurements of monitor, boot manifest, kernel, initrd and command line.</summary>
    public const uint Measured = 1;

    /// <summary>The firmware started the monitor under Secure Boot.</summary>
    public const uint SecureBoot = 2;

    /// <summary>The root key is sealed to the measurements.</summary>
    public const uint SealedKey = 4;

    /// <summary>The root key is the public one of development builds.</summary>
    public const uint Development = 8;

    /// <summary>Devices reach no memory but the OS's.</summary>
    public const uint DmaProtection = 16;

    private static Sha256Digest _monitor;
    private static Sha256Digest _manifest;

    public static uint Flags => Development | ((MonitorFeatures.Value & MonitorFeatures.Iommu) != 0 ? DmaProtection : 0);

    /// <summary>SHA-256 of the flat monitor image; 32 bytes.</summary>
    public static Span<byte> MonitorDigest => _monitor;

    /// <summary>SHA-256 of the boot manifest, zeros without one; 32 bytes.</summary>
    public static Span<byte> ManifestDigest => _manifest;
}
