namespace BlackBox.Images;

/// <summary>Root file systems from and to folders of the host.</summary>
public static class RootFilesystemFolder
{
    /// <summary>
    /// Reads a folder. Symbolic links are taken as links, never followed.
    /// </summary>
    /// <param name="folder">The folder that is to become the root.</param>
    /// <param name="keepOwners">Takes owner and group from the host's files; otherwise all belong to 0:0.</param>
    /// <exception cref="InvalidDataException">The folder holds something that is neither file, folder nor link.</exception>
    public static RootFilesystem Read(string folder, bool keepOwners = false)
    {
        var result = new RootFilesystem();
        var options = new EnumerationOptions { AttributesToSkip = 0, RecurseSubdirectories = false, IgnoreInaccessible = false };
        var pending = new Stack<(string Host, RootPath Guest)>();
        pending.Push((folder, RootPath.Root));
        while (pending.TryPop(out var here))
        {
            foreach (var info in new DirectoryInfo(here.Host).EnumerateFileSystemInfos("*", options))
            {
                var path = here.Guest.Combine(info.Name);
                result.Add(Convert(info, path, keepOwners));
                if (info is DirectoryInfo && info.LinkTarget is null)
                {
                    pending.Push((info.FullName, path));
                }
            }
        }

        return result;
    }

    /// <summary>
    /// Writes everything below <paramref name="folder"/>, which must not exist yet. Owners are not kept;
    /// device nodes and pipes are left out (the container runtime makes its own).
    /// </summary>
    /// <exception cref="IOException">The folder exists, or the disk is full.</exception>
    public static void Write(RootFilesystem root, string folder)
    {
        ArgumentNullException.ThrowIfNull(root);
        if (Path.Exists(folder))
        {
            throw new IOException($"{folder} exists already");
        }

        System.IO.Directory.CreateDirectory(folder);
        foreach (var entry in root.Entries)
        {
            var host = Path.Combine(folder, entry.Path.Relative);
            switch (entry.Kind)
            {
                case RootEntryKind.Directory:
                    System.IO.Directory.CreateDirectory(host);
                    break;
                case RootEntryKind.RegularFile:
                    using (var content = entry.Content!.Open())
                    using (var file = new FileStream(host, FileMode.CreateNew, FileAccess.Write))
                    {
                        content.CopyTo(file);
                    }

                    File.SetUnixFileMode(host, (UnixFileMode)entry.Mode);
                    break;
                case RootEntryKind.SymbolicLink:
                    File.CreateSymbolicLink(host, entry.LinkTarget!);
                    break;
                default:
                    break;
            }
        }

        // Folders last and from the leaves up: a read-only folder could not have been filled.
        foreach (var entry in root.Entries.Reverse().Where(entry => entry.Kind == RootEntryKind.Directory))
        {
            File.SetUnixFileMode(Path.Combine(folder, entry.Path.Relative), (UnixFileMode)entry.Mode);
        }
    }

    private static RootEntry Convert(FileSystemInfo info, RootPath path, bool keepOwners)
    {
        if (info.LinkTarget is { } target)
        {
            return RootEntry.Link(path, target);
        }

        var status = FileStatus.Of(info.FullName);
        var entry = info is DirectoryInfo ? RootEntry.Directory(path, status.Permissions)
            : status.IsRegularFile ? RootEntry.File(path, ContentSource.FromFile(info.FullName), status.Permissions)
            : throw new InvalidDataException($"{info.FullName} is neither a file, a folder nor a symbolic link");
        return keepOwners ? entry with { UserId = status.UserId, GroupId = status.GroupId } : entry;
    }
}
