using System.Text;

namespace BlackBox.Images;

/// <summary>
/// A path inside a root file system: absolute, with single slashes, without "." and "..", without a slash at the end
/// (except for the root itself, "/"). Two paths are equal when their text is; the order is by component, so that a
/// folder's content follows the folder directly.
/// </summary>
public readonly record struct RootPath : IComparable<RootPath>
{
    private readonly string? _text;

    private RootPath(string text) => _text = text;

    public static RootPath Root => default;

    /// <summary>The text, beginning with a slash.</summary>
    public string Text => _text ?? "/";

    public bool IsRoot => Text == "/";

    /// <summary>The last component, empty for the root.</summary>
    public string Name => Text[(Text.LastIndexOf('/') + 1)..];

    /// <summary>The folder that holds this; the root is its own parent.</summary>
    public RootPath Parent
    {
        get
        {
            var slash = Text.LastIndexOf('/');
            return slash <= 0 ? Root : new RootPath(Text[..slash]);
        }
    }

    /// <summary>The path as archives write it: without the leading slash ("." for the root).</summary>
    public string Relative => IsRoot ? "." : Text[1..];

    /// <summary>Takes the spellings that archives use ("./usr/bin/", "usr/bin", "/usr/bin").</summary>
    /// <exception cref="InvalidDataException">
    /// The path leaves the root by "..", holds a NUL, or is longer than Linux takes (PATH_MAX 4096, NAME_MAX 255 bytes).
    /// </exception>
    public static RootPath Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Contains('\0'))
        {
            throw new InvalidDataException("a path in the image holds a NUL character");
        }

        var builder = new StringBuilder(text.Length + 1);
        foreach (var component in text.Split('/'))
        {
            if (component.Length == 0 || component == ".")
            {
                continue;
            }

            if (component == "..")
            {
                throw new InvalidDataException($"'{text}': '..' is not allowed in a path of an image");
            }

            if (Encoding.UTF8.GetByteCount(component) > 255)
            {
                throw new InvalidDataException($"'{text}': a name is longer than 255 bytes");
            }

            builder.Append('/').Append(component);
        }

        if (Encoding.UTF8.GetMaxByteCount(builder.Length) > 4095 && Encoding.UTF8.GetByteCount(builder.ToString()) > 4095)
        {
            throw new InvalidDataException("a path in the image is longer than 4095 bytes");
        }

        return builder.Length == 0 ? Root : new RootPath(builder.ToString());
    }

    /// <summary>This path with <paramref name="name"/> (one or more components) added.</summary>
    public RootPath Combine(string name) => Parse(Text + "/" + name);

    /// <summary>True for the folder itself and for everything below it.</summary>
    public bool IsWithin(RootPath folder) =>
        folder.IsRoot || Text == folder.Text || Text.StartsWith(folder.Text + "/", StringComparison.Ordinal);

    public int CompareTo(RootPath other)
    {
        var (a, b) = (Text, other.Text);
        var length = Math.Min(a.Length, b.Length);
        for (var i = 0; i < length; i++)
        {
            if (a[i] != b[i])
            {
                // A slash sorts before everything, so that "/a/x" stands before "/a-b".
                return a[i] == '/' ? -1 : b[i] == '/' ? 1 : a[i].CompareTo(b[i]);
            }
        }

        return a.Length.CompareTo(b.Length);
    }

    public override string ToString() => Text;

    public static bool operator <(RootPath left, RootPath right) => left.CompareTo(right) < 0;

    public static bool operator >(RootPath left, RootPath right) => left.CompareTo(right) > 0;

    public static bool operator <=(RootPath left, RootPath right) => left.CompareTo(right) <= 0;

    public static bool operator >=(RootPath left, RootPath right) => left.CompareTo(right) >= 0;
}
