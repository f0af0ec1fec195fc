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

/// <summary>The demonstration's result.</summary>
public sealed record DemoResult(SearchResult Native, SearchResult Protected, SearchResult Canary, MemoryAccount? Memory, ServiceResult Redis)
{
    /// <summary>Everything is as it should be: what is not protected is found, what is protected is not, and no byte of RAM is missing in the account.</summary>
    public bool Passed => Native.Hits > 0 && Protected.Hits == 0 && Canary.Hits > 0 && Memory is { IsBalanced: true } && Redis.Answered;
}
