using System.Security.Cryptography;

namespace BlackBox.Building;

/// <summary>A part of the product as it was built.</summary>
/// <param name="Name">The file's name, which no other part has.</param>
/// <param name="File">Where it is, absolute.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Digest">SHA-256 in hexadecimal.</param>
public sealed record Artefact(string Name, string File, long Length, string Digest)
{
    /// <summary>Looks at a file.</summary>
    public static Artefact Read(string file)
    {
        using var stream = System.IO.File.OpenRead(file);
        return new Artefact(Path.GetFileName(file), file, stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
    }

    /// <summary>All parts of a tree in which everything has been built.</summary>
    internal static IReadOnlyList<Artefact> Of(ProductSources sources, string kernel) =>
        [.. new[] { sources.MonitorImage, sources.UefiImage, sources.ShieldImage, sources.ModuleFor(kernel), sources.RuntimeProgram }.Select(Read)];
}
