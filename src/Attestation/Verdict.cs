namespace BlackBox.Attestation;

/// <summary>Why evidence is refused.</summary>
public enum Refusal
{
    /// <summary>The bytes are no evidence.</summary>
    Malformed,

    /// <summary>The signature is not that of the key in it.</summary>
    Signature,

    /// <summary>The platform's key is not among those trusted, and no TPM endorses it.</summary>
    ForeignKey,

    /// <summary>The TPM's quote does not endorse the platform's key.</summary>
    Endorsement,

    /// <summary>It is not the answer to this nonce: a replay, or another's.</summary>
    Nonce,

    /// <summary>The container's own data is other than expected.</summary>
    Data,
    DevelopmentKey,
    NotMeasured,
    SecureBoot,
    KeyNotSealed,
    DmaProtection,
    Debug,
    Monitor,
    BootManifest,
    Shield,
    Image,
    Policy,
    Counter,
}

/// <summary>One reason.</summary>
/// <param name="Refusal">what is wrong</param>
/// <param name="Message">the same for people, with the value that was found; nothing in it moves a terminal's cursor or ends a log's line</param>
public sealed record Reason(Refusal Refusal, string Message)
{
    /// <inheritdoc cref="Reason"/>
    public string Message { get; } = Printable.Text(Message);
}

/// <summary>What came of a verification.</summary>
/// <param name="Evidence">what was said; null if it could not be read. Worth nothing unless <see cref="IsGood"/></param>
/// <param name="Reasons">all that is wrong; empty: nothing</param>
public sealed record Verdict(Evidence? Evidence, IReadOnlyList<Reason> Reasons)
{
    public bool IsGood => Evidence is not null && Reasons.Count == 0;

    /// <summary>Data of the container: what follows the nonce; null if it is not good.</summary>
    public byte[]? ContainerData { get; init; }
}
