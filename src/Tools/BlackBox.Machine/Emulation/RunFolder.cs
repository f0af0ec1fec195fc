namespace BlackBox.Emulation;

/// <summary>
/// A private folder for the sockets and the RAM disk of one run. It goes away with the run; what a killed run left is
/// removed by the next one. (Short path: the name of a Unix socket has at most 107 bytes.)
/// </summary>
internal sealed class RunFolder : IDisposable
{
    public const string Prefix = "blackbox-run-";

    public RunFolder()
    {
        var parent = Path.GetTempPath();
        RemoveStale(parent);
        Location = Path.Combine(parent, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}");
        Directory.CreateDirectory(Location, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public string Location { get; }

    public string File(string name) => Path.Combine(Location, name);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Location, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody cleaned /tmp.
        }
    }

    private static void RemoveStale(string parent)
    {
        foreach (var folder in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            var owner = Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
            if (!int.TryParse(owner, out _) || Directory.Exists($"/proc/{owner}"))
            {
                continue;
            }

            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Another user's, or another run is just removing it.
            }
        }
    }
}
