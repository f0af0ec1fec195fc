using BlackBox.Images;

namespace BlackBox.Cli;

/// <summary>Files of this host for the guest.</summary>
internal static class HostFiles
{
    /// <summary>A file, or a folder with all that is in it, under another name.</summary>
    public static RootFilesystem Take(string host, RootPath guest)
    {
        var result = new RootFilesystem();
        if (File.Exists(host))
        {
            result.Add(RootEntry.File(guest, ContentSource.FromFile(host), (int)File.GetUnixFileMode(host) & 0xFFF));
            return result;
        }

        foreach (var entry in RootFilesystemFolder.Read(host).Entries)
        {
            result.Add(entry.At(entry.Path.IsRoot ? guest : guest.Combine(entry.Path.Relative)));
        }

        return result;
    }
}
