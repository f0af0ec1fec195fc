namespace BlackBox.Hosting;

/// <summary>
/// Files and folders that appear complete or not at all: they are made under a temporary name beside their place and
/// renamed when done. What an interrupted run leaves behind is recognised by its name and removed by the next.
/// </summary>
public static class AtomicOutput
{
    private const string Marker = ".partial-";

    /// <summary>Makes a file. On an exception nothing is left, and what was there before stays.</summary>
    public static async Task WriteFileAsync(string path, Func<FileStream, Task> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        RemoveLeftovers(path);
        var temporary = TemporaryName(path);
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                await write(file).ConfigureAwait(false);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>As <see cref="WriteFileAsync"/>, for programs that want to open the file themselves.</summary>
    public static async Task WriteFileByNameAsync(string path, Func<string, Task> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        RemoveLeftovers(path);
        var temporary = TemporaryName(path);
        try
        {
            await write(temporary).ConfigureAwait(false);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Makes a folder, in place of an older one if there is one.</summary>
    public static async Task WriteFolderAsync(string path, Func<string, Task> fill)
    {
        ArgumentNullException.ThrowIfNull(fill);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        RemoveLeftovers(path);
        var temporary = TemporaryName(path);
        try
        {
            Directory.CreateDirectory(temporary);
            await fill(temporary).ConfigureAwait(false);
            if (Directory.Exists(path))
            {
                var old = TemporaryName(path);
                Directory.Move(path, old);
                Directory.Move(temporary, path);
                Directory.Delete(old, recursive: true);
            }
            else
            {
                Directory.Move(temporary, path);
            }
        }
        catch
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }

            throw;
        }
    }

    private static string TemporaryName(string path) => $"{path}{Marker}{Environment.ProcessId}-{Guid.NewGuid():N}";

    private static void RemoveLeftovers(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        foreach (var leftover in Directory.EnumerateFileSystemEntries(folder, Path.GetFileName(path) + Marker + "*"))
        {
            var owner = leftover[(leftover.LastIndexOf(Marker, StringComparison.Ordinal) + Marker.Length)..].Split('-')[0];
            if (Directory.Exists($"/proc/{owner}"))
            {
                continue;
            }

            if (Directory.Exists(leftover))
            {
                Directory.Delete(leftover, recursive: true);
            }
            else
            {
                File.Delete(leftover);
            }
        }
    }
}
