using System.Security.Cryptography;

namespace BlackBox.Attestation;

/// <summary>What is expected of one piece of evidence, beyond the reference values.</summary>
public sealed record Expectation
{
    /// <summary>The nonce that the verifier chose for this request: the first bytes of the 64. Empty: freshness is not checked.</summary>
    public byte[] Nonce { get; init; } = [];

    /// <summary>What must follow the nonce, such as the digest of a key for a channel; null: anything.</summary>
    public byte[]? Data { get; init; }

    /// <summary>A TPM's word for the platform's key.</summary>
    public PlatformEndorsement? Endorsement { get; init; }
}

/// <summary>Holds evidence against reference values. Nothing but the arguments is consulted: no network, no clock.</summary>
public static class EvidenceVerifier
{
    /// <summary>Verifies; all reasons for a refusal are collected, once the signature is good.</summary>
    /// <param name="data">as read from /dev/attestation/quote; untrusted</param>
    /// <param name="reference">what is believed in</param>
    /// <param name="expectation">what this answer must hold</param>
    public static Verdict Verify(ReadOnlySpan<byte> data, ReferenceValues reference, Expectation expectation)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(expectation);
        if (expectation.Nonce.Length + (expectation.Data?.Length ?? 0) > Evidence.NonceLength)
        {
            throw new ArgumentException($"nonce and data have {Evidence.NonceLength} bytes together at most", nameof(expectation));
        }

        Evidence evidence;
        try
        {
            evidence = Evidence.Parse(data);
        }
        catch (EvidenceFormatException error)
        {
            return new Verdict(null, [new Reason(Refusal.Malformed, error.Message)]);
        }

        if (!evidence.IsSignatureGood())
        {
            return new Verdict(evidence, [new Reason(Refusal.Signature, "the signature is not that of the platform's key")]);
        }

        var reasons = new List<Reason>();
        CheckPlatform(evidence, reference, expectation, reasons);
        CheckAnswer(evidence, expectation, reasons);
        CheckFacts(evidence, reference, reasons);
        Check(reference.Monitors, evidence.MonitorDigest, Refusal.Monitor, "the monitor", reasons);
        if (reference.BootManifests is { } manifests)
        {
            Check(manifests, evidence.BootManifestDigest, Refusal.BootManifest, "the boot manifest", reasons);
        }

        Check(reference.Shields, evidence.ShieldDigest, Refusal.Shield, "the shield", reasons);
        CheckImage(evidence.Container, reference, reasons);
        return new Verdict(evidence, reasons) { ContainerData = reasons.Count == 0 ? evidence.Nonce[expectation.Nonce.Length..] : null };
    }

    private static void CheckPlatform(Evidence evidence, ReferenceValues reference, Expectation expectation, List<Reason> reasons)
    {
        if (Contains(reference.Platforms, evidence.AttestationKey))
        {
            return;
        }

        if (reference.Tpm is null || expectation.Endorsement is null)
        {
            reasons.Add(new Reason(Refusal.ForeignKey,
                $"the platform's key (SHA-256 {Hex(SHA256.HashData(evidence.AttestationKey))}) is not trusted{(reference.Tpm is null ? "" : ", and no endorsement by a TPM was given")}"));
        }
        else if (expectation.Endorsement.Check(evidence.AttestationKey, evidence.UnwrappingKey, reference.Tpm) is { } wrong)
        {
            reasons.Add(new Reason(Refusal.Endorsement, wrong));
        }
    }

    private static void CheckAnswer(Evidence evidence, Expectation expectation, List<Reason> reasons)
    {
        var nonce = evidence.Nonce.AsSpan(0, expectation.Nonce.Length);
        if (!CryptographicOperations.FixedTimeEquals(nonce, expectation.Nonce))
        {
            reasons.Add(new Reason(Refusal.Nonce, $"it answers another nonce ({Hex(nonce)}): a replay, or made for somebody else"));
        }

        if (expectation.Data is { } data && !CryptographicOperations.FixedTimeEquals(evidence.Nonce.AsSpan(nonce.Length, data.Length), data))
        {
            reasons.Add(new Reason(Refusal.Data, $"the container's data is {Hex(evidence.Nonce.AsSpan(nonce.Length))}, not the one expected"));
        }
    }

    private static void CheckFacts(Evidence evidence, ReferenceValues reference, List<Reason> reasons)
    {
        Require(evidence, PlatformFacts.Measured, reference.RequireMeasured, Refusal.NotMeasured, "NOT MEASURED: nobody but the monitor itself says what was started", reasons);
        Require(evidence, PlatformFacts.SecureBoot, reference.RequireSecureBoot, Refusal.SecureBoot, "started without Secure Boot", reasons);
        Require(evidence, PlatformFacts.SealedKey, reference.RequireSealedKey, Refusal.KeyNotSealed, "the root key is not sealed to what was started", reasons);
        Require(evidence, PlatformFacts.DmaProtection, reference.RequireDmaProtection, Refusal.DmaProtection, "devices can reach the container's memory", reasons);
        if (evidence.Facts.HasFlag(PlatformFacts.Development) && !reference.AllowDevelopmentKey)
        {
            reasons.Add(new Reason(Refusal.DevelopmentKey, "a development build, or the public development key: nothing is proven"));
        }

        if (evidence.IsDebugEnabled && !evidence.Facts.HasFlag(PlatformFacts.Development) && !reference.AllowDebug)
        {
            reasons.Add(new Reason(Refusal.Debug, "the platform can be debugged"));
        }

        if (evidence.Container.IsDebug && !reference.AllowDebug)
        {
            reasons.Add(new Reason(Refusal.Debug, "the image's policy allows debugging"));
        }
    }

    private static void Require(Evidence evidence, PlatformFacts fact, bool isRequired, Refusal refusal, string message, List<Reason> reasons)
    {
        if (isRequired && !evidence.Facts.HasFlag(fact))
        {
            reasons.Add(new Reason(refusal, message));
        }
    }

    // The image that comes nearest tells what is wrong.
    private static void CheckImage(ContainerReport container, ReferenceValues reference, List<Reason> reasons)
    {
        Reason? nearest = null;
        foreach (var image in reference.Images)
        {
            var found = Compare(container, image);
            if (found is null)
            {
                return;
            }

            nearest = nearest is null || found.Refusal > nearest.Refusal ? found : nearest;
        }

        reasons.Add(nearest ?? new Reason(Refusal.Image, "no image is accepted"));
    }

    private static Reason? Compare(ContainerReport container, ReferenceImage image)
    {
        var isThis = (image.Manifest ?? container.ManifestDigest).AsSpan().SequenceEqual(container.ManifestDigest)
            && (image.Publisher ?? container.PublisherDigest).AsSpan().SequenceEqual(container.PublisherDigest)
            && (image.Manifest is not null || image.Name is null || image.Name == container.Name);
        return !isThis ? new Reason(Refusal.Image,
                $"another image: manifest {Hex(container.ManifestDigest)}, publisher {Hex(container.PublisherDigest)}, name {container.Name ?? "(too long)"}")
            : image.Policy is { } policy && !policy.AsSpan().SequenceEqual(container.PolicyDigest)
                ? new Reason(Refusal.Policy, $"the image has another policy: {Hex(container.PolicyDigest)}")
            : container.Counter < image.MinimumCounter
                ? new Reason(Refusal.Counter, $"an older version of the image: counter {container.Counter} instead of at least {image.MinimumCounter}")
            : null;
    }

    private static void Check(IReadOnlyList<byte[]> accepted, byte[] found, Refusal refusal, string what, List<Reason> reasons)
    {
        if (!Contains(accepted, found))
        {
            reasons.Add(new Reason(refusal, $"{what} is another: {Hex(found)}"));
        }
    }

    private static bool Contains(IReadOnlyList<byte[]> accepted, byte[] found) => accepted.Any(value => value.AsSpan().SequenceEqual(found));

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
