using System.Text.Json.Serialization;

namespace BlackBox.Demo;

/// <summary>What became of one search.</summary>
/// <param name="Hits">Places where the secret was found in the dump.</param>
/// <param name="Failure">Why there is no number, or null.</param>
public sealed record SearchResult(int? Hits, string? Failure = null);

/// <summary>All of RAM in the protected run, in bytes.</summary>
/// <param name="Total">What the monitor says that the machine has.</param>
/// <param name="Dumped">What root could read.</param>
/// <param name="Refused">What root could not read.</param>
/// <param name="Granted">What belongs to PPASes: their memory, tables and task contexts.</param>
/// <param name="Monitor">What belongs to the monitor for good.</param>
/// <param name="Installed">What the emulator was told to give the machine.</param>
public sealed record MemoryAccount(long Total, long Dumped, long Refused, long Granted, long Monitor, long Installed)
{
    /// <summary>Every byte is accounted for.</summary>
    [JsonIgnore]
    public bool IsBalanced => Total == Installed && Total == Dumped + Refused && Refused == Granted + Monitor && Monitor > 0 && Granted > 0;
}

/// <summary>A redis in a protected container, asked from outside.</summary>
/// <param name="Answered">It answered, and as it should.</param>
/// <param name="Detail">What it said, or what went wrong.</param>
public sealed record ServiceResult(bool Answered, string Detail);

/// <summary>What the protected container's evidence has come to.</summary>
/// <param name="SecureBoot">Verified evidence says that the firmware started the monitor under Secure Boot.</param>
/// <param name="Verdict"><see cref="Verified"/>, or why not.</param>
/// <param name="DmaProtection">Verified evidence says that devices reach no container's memory.</param>
public sealed record EvidenceResult(bool SecureBoot, string Verdict, bool DmaProtection)
{
    public const string Verified = "verified";

    public bool IsVerified => Verdict == Verified;
}

/// <summary>The demonstration's result.</summary>
/// <param name="IsDirect">The user named a monitor to be started directly: there is no evidence then, and none is asked for.</param>
public sealed record DemoResult(
    SearchResult Native, SearchResult Protected, SearchResult Canary, MemoryAccount? Memory, ServiceResult Redis, bool SecureBoot, string Evidence, bool DmaProtection,
    [property: JsonIgnore] bool IsDirect)
{
    /// <summary>Everything is as it should be: what is not protected is found, what is protected is not, no byte of RAM is missing in the account, and the evidence is good.</summary>
    public bool Passed => Native.Hits > 0 && Protected.Hits == 0 && Canary.Hits > 0 && Memory is { IsBalanced: true } && Redis.Answered
        && (IsDirect || (SecureBoot && Evidence == EvidenceResult.Verified && DmaProtection));
}
