namespace BlackBox.Debian;

/// <summary>A package in one version, as apt names it.</summary>
/// <param name="Name">Package name without architecture.</param>
/// <param name="Version">Debian version, with epoch if it has one.</param>
/// <param name="Architecture">"arm64", "amd64" or "all".</param>
public sealed record DebianPackage(string Name, string Version, string Architecture)
{
    /// <summary>The file name apt gives to the download.</summary>
    public string FileName => $"{Name}_{Version.Replace(":", "%3a")}_{Architecture}.deb";

    /// <summary>The name for apt-get download.</summary>
    public string Selector => $"{Name}:{(Architecture == "all" ? "arm64" : Architecture)}={Version}";

    public override string ToString() => $"{Name} {Version} ({Architecture})";
}
