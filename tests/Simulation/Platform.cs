using System;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>Host stand-in for src/Monitor/Platform: a blob whose first byte is 0xa5 is "ours".</summary>
public static class MonitorKeys
{
    public static bool TryUnwrap(Span<byte> blob)
    {
        if (blob[0] != 0xa5)
        {
            return false;
        }

        blob.Slice(112, 32).Fill(0x5a);
        return true;
    }

    public static ReadOnlySpan<byte> UnwrapPurpose => "unwrap"u8;

    public static ReadOnlySpan<byte> AttestPurpose => "attest"u8;

    /// <summary>Signs with the key 7.</summary>
    public static int Sign(ReadOnlySpan<byte> payload, Span<byte> message) => CoseSign1.Sign(PrivateKey, payload, message);

    public static void MakePublic(ReadOnlySpan<byte> purpose, Span<byte> publicKey) => EcdhP384.TryGetPublicKey(PrivateKey, publicKey);

    private static byte[] PrivateKey
    {
        get
        {
            byte[] key = new byte[EcdhP384.PrivateKeyLength];
            key[^1] = 7;
            return key;
        }
    }
}

/// <summary>Host stand-in: a counter.</summary>
public static class MonitorEntropy
{
    private static byte _next;

    public static bool IsSeeded { get; set; } = true;

    public static void Reset() => _next = 0;

    public static void Fill(Span<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = _next++;
        }
    }
}

/// <summary>Host stand-in: keeps the last text.</summary>
public static class MonitorConsole
{
    public static string LastText { get; private set; } = "";

    public static void WriteEnclaveText(uint enclave, ReadOnlySpan<byte> text) => LastText = System.Text.Encoding.ASCII.GetString(text);
}

/// <summary>Host stand-in.</summary>
public static class MonitorFeatures
{
    public static ulong Value => 0;
}

/// <summary>Host stand-in: whatever a test says.</summary>
public static class BootFacts
{
    public const uint Measured = 1;
    public const uint SecureBoot = 2;
    public const uint SealedKey = 4;
    public const uint Development = 8;
    public const uint DmaProtection = 16;

    private static readonly byte[] Monitor = new byte[32];
    private static readonly byte[] Manifest = new byte[32];

    public static uint Flags { get; set; }

    public static Span<byte> MonitorDigest => Monitor;

    public static Span<byte> ManifestDigest => Manifest;
}
