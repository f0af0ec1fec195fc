using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace BlackBox.Building;

/// <summary>
/// One digest over names, sizes and times of all files that a build reads, so that a build that has nothing to do is not
/// even started. A file that was deleted or renamed counts as a change.
/// </summary>
public static class BuildInputs
{
    /// <param name="repository">Folder that the inputs are relative to.</param>
    /// <param name="inputs">Files and folders. What does not exist counts as such.</param>
    /// <param name="settings">Anything else that the result depends on.</param>
    public static string Digest(string repository, IEnumerable<string> inputs, params IEnumerable<string> settings)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + '\0'));
        foreach (var input in inputs)
        {
            Add(input);
            var path = Path.Combine(repository, input);
            var files = Directory.Exists(path)
                ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
                : File.Exists(path) ? (IEnumerable<string>)[path] : [];
            foreach (var file in files)
            {
                var info = new FileInfo(file);
                Add(string.Create(CultureInfo.InvariantCulture, $"{Path.GetRelativePath(repository, file)} {info.Length} {info.LastWriteTimeUtc.Ticks}"));
            }
        }

        Add("");
        foreach (var setting in settings)
        {
            Add(setting);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
