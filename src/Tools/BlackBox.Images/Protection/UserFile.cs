using System.Globalization;
using System.Text;

namespace BlackBox.Images;

/// <summary>/etc/passwd and /etc/group of an image (passwd(5), group(5)).</summary>
internal static class UserFile
{
    private const long MaximumLength = 1 << 20;

    /// <summary>Home of a user, "/" when he is not listed.</summary>
    public static string HomeOf(RootFilesystem root, int userId) =>
        Lines(root, "/etc/passwd").FirstOrDefault(fields => fields.Length >= 6 && fields[2] == userId.ToString(CultureInfo.InvariantCulture)) is { } line && line[5].StartsWith('/') ? line[5] : "/";

    /// <summary>"user", "user:group", by name or number, as in the OCI image configuration.</summary>
    /// <exception cref="ImageRefusedException">A name that is not listed.</exception>
    public static (int UserId, int GroupId) Parse(RootFilesystem root, string text)
    {
        if (text.Length == 0)
        {
            return (0, 0);
        }

        var parts = text.Split(':', 2);
        var line = Lines(root, "/etc/passwd").FirstOrDefault(fields => fields.Length >= 4 && (fields[0] == parts[0] || fields[2] == parts[0]));
        var user = Number(parts[0]) ?? Number(line?[2]) ?? throw new ImageRefusedException("/etc/passwd", $"there is no user '{parts[0]}'");
        var group = parts.Length == 2
            ? Number(parts[1]) ?? Number(Lines(root, "/etc/group").FirstOrDefault(fields => fields.Length >= 3 && fields[0] == parts[1])?[2])
                ?? throw new ImageRefusedException("/etc/group", $"there is no group '{parts[1]}'")
            : Number(line?[3]) ?? 0;
        return (user, group);
    }

    private static int? Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static IEnumerable<string[]> Lines(RootFilesystem root, string path) =>
        root.Resolve(path) is { Kind: RootEntryKind.RegularFile, Length: <= MaximumLength } entry
            ? Encoding.UTF8.GetString(entry.Content!.ReadAllBytes()).Split('\n').Select(line => line.Split(':'))
            : [];
}
