namespace BlackBox.Building;

/// <summary>One thing that an artefact is made of, or with.</summary>
/// <param name="Type">CycloneDX's word: library, firmware, application, device-driver, operating-system.</param>
/// <param name="Name">Of the package, as its registry spells it.</param>
/// <param name="Version">Exactly the one that was used.</param>
/// <param name="IsPart">It, or something of it, is in the artefact; false: it only helped to build it.</param>
public sealed record BillComponent(string Type, string Name, string Version, bool IsPart)
{
    /// <summary>Package URL, which names it among all registries' packages; null: it comes from none.</summary>
    public string? PackageUrl { get; init; }

    /// <summary>Licence as an SPDX expression; null: not known.</summary>
    public string? License { get; init; }

    /// <summary>Hash algorithm and digest in lower-case hexadecimal; null: not known.</summary>
    public (string Algorithm, string Digest)? Hash { get; init; }

    /// <summary>Names of other components of the same bill that it needs.</summary>
    public IReadOnlyList<string> Needs { get; init; } = [];
}
