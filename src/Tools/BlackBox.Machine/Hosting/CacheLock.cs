namespace BlackBox.Hosting;

/// <summary>
/// Keeps two runs of the tools from filling the same part of the cache at the same time. The kernel drops the lock
/// when the process ends, however it ends.
/// </summary>
public sealed class CacheLock : IDisposable
{
    private readonly FileStream _file;

    private CacheLock(FileStream file) => _file = file;

    /// <param name="path">The lock file; it stays behind, empty.</param>
    /// <param name="waiting">Called once if another process holds it.</param>
    public static async Task<CacheLock> AcquireAsync(string path, Action? waiting, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            try
            {
                return new CacheLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1));
            }
            catch (IOException error) when (error is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException) && File.Exists(path))
            {
                waiting?.Invoke();
                waiting = null;
                await Task.Delay(100, cancellation).ConfigureAwait(false);
            }
        }
    }

    public void Dispose() => _file.Dispose();
}
