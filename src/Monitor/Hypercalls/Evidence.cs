using System;
using BlackBox.Abi;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>Evidence for somebody who is not here: which monitor runs, how it was started, which shield it gave the container. An EAT
/// (RFC 9711) in a COSE_Sign1 under the platform's attestation key; always the same claims, in one order (docs/trust.md). What the shield
/// says of its container stands in it as bytes, not interpreted: whoever trusts the measured shield may believe them.</summary>
internal static class Evidence
{
    /// <summary>Bytes that the verifier's nonce and the container's own data have together.</summary>
    public const int NonceBytes = 64;

    /// <summary>Bytes that a shield may say at most.</summary>
    public const int MaximumReport = 512;

    private const int MaximumPayload = 1280;
    private const ulong DebugEnabled = 0;
    private const ulong DebugDisabledSinceBoot = 2;

    private static Sha256Digest _shield;
    private static P384PublicKey _attestKey;
    private static P384PublicKey _unwrapKey;

    /// <summary>Boot, when the tables are placed and the root key is there: what stays the same.</summary>
    public static void Prepare()
    {
        FrameRange shield = FrameTable.Layout.ShieldImage;    // without its last page, the command line
        Sha256.Hash(Hardware.Bytes(shield.First.Address, (int)((shield.Count - 1) << FrameNumber.Shift)), _shield);
        MonitorKeys.MakePublic(MonitorKeys.AttestPurpose, _attestKey);
        MonitorKeys.MakePublic(MonitorKeys.UnwrapPurpose, _unwrapKey);
    }

    /// <summary>Writes evidence. Payload and inputs stand in the monitor's memory while they are signed: the container may change its own meanwhile.</summary>
    /// <param name="request">Nonce, then the shield's report</param>
    /// <param name="enclave">whose</param>
    /// <param name="message">where to; more than long enough</param>
    /// <returns>bytes written; 0: its shield said something else when it got its key, or got none</returns>
    public static int Write(ReadOnlySpan<byte> request, in Enclave enclave, Span<byte> message)
    {
        Span<byte> payload = stackalloc byte[MaximumPayload];
        uint facts = BootFacts.Flags;
        CborWriter writer = new(payload);
        writer.Map(12);

        // Claims of RFC 9711: eat_nonce, oemboot, dbgstat, eat_profile.
        writer.Pair(10, request.Slice(0, NonceBytes));
        writer.Pair(262, (facts & BootFacts.SecureBoot) != 0);
        writer.Pair(263, (facts & BootFacts.Development) != 0 ? DebugEnabled : DebugDisabledSinceBoot);
        writer.Unsigned(265);
        writer.Text("urn:blackbox:evidence:1"u8);

        // Private claims.
        writer.Pair(-70_000, (ulong)((AbiConstants.VersionMajor << 16) | AbiConstants.VersionMinor));
        writer.Pair(-70_001, (ulong)facts);
        writer.Pair(-70_002, BootFacts.MonitorDigest);
        writer.Pair(-70_003, BootFacts.ManifestDigest);
        writer.Pair(-70_004, _shield);
        writer.Pair(-70_005, _attestKey);
        writer.Pair(-70_006, _unwrapKey);
        writer.Pair(-70_007, request.Slice(NonceBytes));
        Span<byte> digest = stackalloc byte[Sha256.Length];
        Sha256.Hash(writer.Written.Slice(writer.Length - (request.Length - NonceBytes)), digest);
        return digest.SequenceEqual(enclave.Report) ? MonitorKeys.Sign(writer.Written, message) : 0;
    }
}
