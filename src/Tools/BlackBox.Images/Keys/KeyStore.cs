using System.Text.RegularExpressions;
using BlackBox.Hosting;

namespace BlackBox.Images;

/// <summary>
/// The folder with publishers' keys: NAME.pem (private, mode 0600) and NAME.pub.pem. Like ssh, it refuses private keys
/// that other users could read.
/// </summary>
public sealed partial class KeyStore
{
    /// <summary>Name of the key that is used when none is named.</summary>
    public const string DefaultName = "publisher";

    private const UnixFileMode ForOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode FolderForOwner = ForOwner | UnixFileMode.UserExecute;

    public KeyStore(string folder) => Folder = Path.GetFullPath(folder);

    /// <summary>BLACKBOX_KEYS, else blackbox/keys in XDG_CONFIG_HOME or ~/.config.</summary>
    public static string DefaultFolder
    {
        get
        {
            if (Environment.GetEnvironmentVariable("BLACKBOX_KEYS") is { Length: > 0 } own)
            {
                return own;
            }

            var configuration = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } xdg
                ? xdg : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config");
            return Path.Combine(configuration, "blackbox", "keys");
        }
    }

    public string Folder { get; }

    /// <summary>Names of the keys, in order.</summary>
    public IReadOnlyList<string> List() => !Directory.Exists(Folder) ? [] :
    [
        .. Directory.EnumerateFiles(Folder, "*.pem").Select(file => Path.GetFileName(file)[..^".pem".Length])
            .Where(name => !name.EndsWith(".pub", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
    ];

    /// <summary>Where the private part is.</summary>
    public string PathOf(string name) => Path.Combine(Folder, CheckName(name) + ".pem");

    public string PublicPathOf(string name) => Path.Combine(Folder, CheckName(name) + ".pub.pem");

    /// <summary>Makes a key.</summary>
    /// <exception cref="BlackBoxException">There is one of that name: a key is never replaced.</exception>
    public PublisherKey Create(string name)
    {
        var path = PathOf(name);
        if (Path.Exists(path))
        {
            throw new BlackBoxException($"there is a key '{name}' already ({path})", "choose another name, or move the old key away; images of the old key cannot be made again without it");
        }

        if (!Directory.Exists(Folder))
        {
            _ = Directory.CreateDirectory(Folder, FolderForOwner);
        }

        var key = PublisherKey.Create();
        try
        {
            Write(path, key.ToPem(), ForOwner);
            Write(PublicPathOf(name), key.ToPublicPem(), ForOwner | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <exception cref="BlackBoxException">It is missing, no key, or readable by others.</exception>
    public PublisherKey Open(string name)
    {
        var path = PathOf(name);
        return File.Exists(path) ? OpenFile(path) : throw new BlackBoxException($"there is no key '{name}' in {Folder}", $"make one: ./blackbox keys make {(name == DefaultName ? "" : name)}".TrimEnd());
    }

    /// <summary>The default key, made when it is missing.</summary>
    public PublisherKey OpenOrCreateDefault() => File.Exists(PathOf(DefaultName)) ? Open(DefaultName) : Create(DefaultName);

    /// <inheritdoc cref="Open"/>
    public static PublisherKey OpenFile(string path)
    {
        RequirePrivate(path);
        try
        {
            return PublisherKey.FromPem(File.ReadAllText(path));
        }
        catch (InvalidDataException error)
        {
            throw new BlackBoxException($"{path} is no publisher's key: {error.Message}", null, error);
        }
    }

    /// <summary>Reads a content key: a file of 32 bytes that only its owner can read.</summary>
    /// <exception cref="BlackBoxException">It is readable by others, or has another length.</exception>
    public static byte[] ReadContentKey(string path)
    {
        RequirePrivate(path);
        return new FileInfo(path).Length == ImageFormat.KeyLength
            ? File.ReadAllBytes(path)
            : throw new BlackBoxException($"{path} is no content key: it must have exactly 32 bytes", "make one: head -c 32 /dev/urandom > FILE; chmod 600 FILE");
    }

    /// <summary>Refuses a private key's file that is missing or that other users can reach, as ssh does.</summary>
    /// <exception cref="BlackBoxException">It is one of these.</exception>
    public static void RequirePrivate(string path)
    {
        if (!File.Exists(path))
        {
            throw new BlackBoxException($"there is no key file {path}");
        }

        var mode = File.GetUnixFileMode(path);
        if ((mode & ~(ForOwner | UnixFileMode.UserExecute)) != 0)
        {
            throw new BlackBoxException($"{path} can be read by other users (mode {Convert.ToString((int)mode, 8).PadLeft(4, '0')}), so its key is not used", $"chmod 600 {path}");
        }
    }

    private static void Write(string path, string text, UnixFileMode mode)
    {
        var temporary = $"{path}.partial-{Environment.ProcessId}";
        File.Delete(temporary);
        try
        {
            using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode }))
            {
                file.Write(System.Text.Encoding.ASCII.GetBytes(text));
            }

            // Not over another one: two commands may run at once.
            File.Move(temporary, path, overwrite: false);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static string CheckName(string name) => KeyName().IsMatch(name)
        ? name
        : throw new BlackBoxException($"'{name}' is not a name for a key", "use letters, digits, '-' and '_'");

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
    private static partial Regex KeyName();
}
