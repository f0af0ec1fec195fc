using System.Security.Cryptography;
using BlackBox.Attestation;

namespace BlackBox.Samples.KeyRelease;

/// <summary>Decides who gets the secret. Everything in a request is hostile until proven otherwise.</summary>
internal sealed class ReleasePolicy(ReferenceValues reference, byte[] secret, Challenges challenges)
{
    /// <summary>The secret for a container that is what it should be, or the reasons why not.</summary>
    public (ReleasedSecret? Secret, IReadOnlyList<string> Reasons) Decide(ReleaseRequest request)
    {
        Evidence evidence;
        PlatformEndorsement? endorsement;
        try
        {
            // The container's key is looked at first: what follows costs signatures.
            using var key = SealedBox.Import(request.PublicKey);
            evidence = Evidence.Parse(request.Evidence);
            endorsement = request.Endorsement is { } json ? PlatformEndorsement.Parse(json) : null;
        }
        catch (Exception error) when (error is CryptographicException or EvidenceFormatException or FormatException)
        {
            return (null, [$"{Refusal.Malformed}: {Printable.Text(error.Message)}"]);
        }

        // The nonce names the challenge, and is gone now, whatever comes of the rest: no second try with the same.
        var nonce = evidence.Nonce[..Challenges.Length];
        if (challenges.Use(nonce) is { } stale)
        {
            return (null, [$"{Refusal.Nonce}: {stale}"]);
        }

        var verdict = EvidenceVerifier.Verify(
            request.Evidence, reference, new Expectation { Nonce = nonce, Data = SHA256.HashData(request.PublicKey), Endorsement = endorsement });
        return verdict.IsGood
            ? (SealedBox.Seal(request.PublicKey, secret, request.Evidence), [])
            : (null, [.. verdict.Reasons.Select(reason => $"{reason.Refusal}: {reason.Message}")]);
    }
}
