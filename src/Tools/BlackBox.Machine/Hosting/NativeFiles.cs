using System.ComponentModel;
using System.Runtime.InteropServices;

namespace BlackBox.Hosting;

/// <summary>File operations that .NET has not got.</summary>
internal static partial class NativeFiles
{
    /// <summary>Makes or replaces a symbolic link in one step (rename(2) over it). .NET cannot rename a link to a folder over another.</summary>
    /// <exception cref="IOException">The system's reason.</exception>
    public static void ReplaceSymbolicLink(string path, string target)
    {
        var temporary = $"{path}.partial-{Environment.ProcessId}-link";
        File.Delete(temporary);
        File.CreateSymbolicLink(temporary, target);
        if (Rename(temporary, path) != 0)
        {
            var error = new Win32Exception(Marshal.GetLastPInvokeError()).Message;
            File.Delete(temporary);
            throw new IOException($"{path}: {error}");
        }
    }

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);
}
