namespace BlackBox.Samples.KeyRelease;

/// <summary>Settings, section KeyRelease of the configuration.</summary>
internal sealed class ReleaseOptions
{
    /// <summary>Reference values: which containers get the secret (docs/trust.md). Read at the start; a file that is damaged stops the service.</summary>
    public string Reference { get; set; } = "reference.json";

    /// <summary>File with the secret, which only the service's user may read.</summary>
    public string Secret { get; set; } = "secret";

    /// <summary>How long a challenge is good, in seconds. A quote takes a container some 20 ms.</summary>
    public int ChallengeSeconds { get; set; } = 60;

    /// <summary>Challenges that may be open at a time.</summary>
    public int MostChallenges { get; set; } = 10_000;
}
