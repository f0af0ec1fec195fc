using System.Security.Cryptography;
using System.Security.Cryptography.Cose;

namespace BlackBox.Attestation;

/// <summary>How the platform was started, as its monitor says (src/Monitor/Platform/BootFacts.cs).</summary>
[Flags]
public enum PlatformFacts
{
    None = 0,

    /// <summary>A TPM holds measurements of what was started.</summary>
    Measured = 1,

    /// <summary>The firmware started the monitor under Secure Boot.</summary>
    SecureBoot = 2,

    /// <summary>The root key is sealed to the measurements.</summary>
    SealedKey = 4,

    /// <summary>A build for development, which starts whatever anybody signs, or the public root key of such builds: nothing is proven.</summary>
    Development = 8,

    /// <summary>Devices reach no memory but the operating system's.</summary>
    DmaProtection = 16,
}

/// <summary>
/// Evidence of a container, taken apart: an entity attestation token (RFC 9711) in a COSE_Sign1 with ES384 (RFC 9052). Nothing about it is
/// proven before <see cref="EvidenceVerifier"/> has looked at it.
/// </summary>
public sealed class Evidence
{
    /// <summary>Bytes of a digest.</summary>
    public const int DigestLength = 32;

    /// <summary>Bytes of the nonce: the verifier's, then data of the container.</summary>
    public const int NonceLength = 64;

    /// <summary>Bytes of a public key: X ‖ Y on P-384.</summary>
    public const int PublicKeyLength = 96;

    /// <summary>The profile that this class reads.</summary>
    public const string ProfileName = "urn:blackbox:evidence:1";

    /// <summary>The attestation key of every development build, X ‖ Y, in hexadecimal. Its private half is public: whatever is signed with it
    /// counts as <see cref="PlatformFacts.Development"/>, whatever it says of itself.</summary>
    public const string DevelopmentKey =
        "6db7a8824605f0d4c109f96a8f60701e9bef1db0169b369210f6263f9d9fdab3f931c10eef9b80f83a60c516922d6562" +
        "c97accfd5ba21a8d5baa9e0b7cec9073bc647fae60509fe42a6ee74a739f7898539e5ee33cd646bfb9c89021f69158f1";

    private const int MaximumLength = 4096;
    private const int AlgorithmEs384 = -35;
    private const ulong DebugDisabledSinceBoot = 2;
    private const ulong DebugDisabledFullyAndPermanently = 4;

    private readonly CoseSign1Message _message;

    private Evidence(CoseSign1Message message, ReadOnlyMemory<byte> payload)
    {
        _message = message;
        var reader = new ClaimReader(payload, "the evidence", 12, 12);
        Nonce = reader.Bytes(10, NonceLength);
        IsSecureBoot = reader.Boolean(262);
        DebugStatus = reader.Number(263);
        var profile = reader.Text(265);
        InterfaceVersion = reader.Number(-70_000);
        var facts = reader.Number(-70_001);
        MonitorDigest = reader.Bytes(-70_002, DigestLength);
        BootManifestDigest = reader.Bytes(-70_003, DigestLength);
        ShieldDigest = reader.Bytes(-70_004, DigestLength);
        AttestationKey = reader.Bytes(-70_005, PublicKeyLength);
        UnwrappingKey = reader.Bytes(-70_006, PublicKeyLength);
        Container = ContainerReport.Parse(reader.Bytes(-70_007, 0, 512));
        reader.End();
        if (profile != ProfileName)
        {
            throw new EvidenceFormatException($"the evidence: profile {profile} is not known");
        }

        if (DebugStatus > DebugDisabledFullyAndPermanently)
        {
            throw new EvidenceFormatException($"the evidence: debug status {DebugStatus} is not known");
        }

        if (facts > 31)
        {
            throw new EvidenceFormatException("the evidence: a fact about the platform that is not known");
        }

        Facts = (PlatformFacts)facts | (Convert.ToHexStringLower(AttestationKey) == DevelopmentKey ? PlatformFacts.Development : 0);
        if (IsSecureBoot != Facts.HasFlag(PlatformFacts.SecureBoot))
        {
            throw new EvidenceFormatException("the evidence: two claims about Secure Boot that contradict each other");
        }
    }

    /// <summary>64 bytes: what was written to /dev/attestation/user_report_data.</summary>
    public byte[] Nonce { get; }

    /// <summary>EAT's oemboot.</summary>
    public bool IsSecureBoot { get; }

    /// <summary>EAT's dbgstat (RFC 9711, section 4.2.9): 0 enabled, 1 disabled now, 2 disabled since boot, 3 and 4 for ever. Monitors say 0 or 2.</summary>
    public ulong DebugStatus { get; }

    /// <summary>Can the platform be debugged, or could it at some time since it was started?</summary>
    public bool IsDebugEnabled => DebugStatus < DebugDisabledSinceBoot;

    /// <summary>Version of the monitor's interface, major &lt;&lt; 16 | minor.</summary>
    public ulong InterfaceVersion { get; }

    public PlatformFacts Facts { get; }

    /// <summary>SHA-256 of the monitor's image.</summary>
    public byte[] MonitorDigest { get; }

    /// <summary>SHA-256 of the boot manifest; zeros without one.</summary>
    public byte[] BootManifestDigest { get; }

    /// <summary>SHA-256 of the shield that the container was made with.</summary>
    public byte[] ShieldDigest { get; }

    /// <summary>The key that has signed, X ‖ Y.</summary>
    public byte[] AttestationKey { get; }

    /// <summary>The key that images for this platform are wrapped for, X ‖ Y.</summary>
    public byte[] UnwrappingKey { get; }

    public ContainerReport Container { get; }

    /// <summary>Takes evidence apart; it checks the form and no signature.</summary>
    /// <param name="data">as read from /dev/attestation/quote</param>
    /// <exception cref="EvidenceFormatException">It is no evidence of this format.</exception>
    public static Evidence Parse(ReadOnlySpan<byte> data)
    {
        if (data.Length > MaximumLength)
        {
            throw new EvidenceFormatException($"evidence has {MaximumLength} bytes at most");
        }

        CoseSign1Message message;
        try
        {
            message = CoseMessage.DecodeSign1(data);
        }
        catch (CryptographicException error)
        {
            throw new EvidenceFormatException($"no COSE_Sign1 message ({error.Message.TrimEnd('.')})", error);
        }

        if (message.Content is not { } payload)
        {
            throw new EvidenceFormatException("the message has no payload");
        }

        if (message.ProtectedHeaders.Count != 1 || message.UnprotectedHeaders.Count != 0
            || !message.ProtectedHeaders.TryGetValue(CoseHeaderLabel.Algorithm, out var algorithm) || !IsEs384(algorithm))
        {
            throw new EvidenceFormatException("other headers than the algorithm ES384");
        }

        return new Evidence(message, payload);
    }

    /// <summary>Is the signature that of <see cref="AttestationKey"/>?</summary>
    public bool IsSignatureGood()
    {
        try
        {
            using var key = ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP384,
                Q = new ECPoint { X = AttestationKey[..(PublicKeyLength / 2)], Y = AttestationKey[(PublicKeyLength / 2)..] },
            });
            return _message.VerifyEmbedded(key);
        }
        catch (CryptographicException)
        {
            return false;    // no point of the curve
        }
    }

    private static bool IsEs384(CoseHeaderValue value)
    {
        try
        {
            return value.GetValueAsInt32() == AlgorithmEs384;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
