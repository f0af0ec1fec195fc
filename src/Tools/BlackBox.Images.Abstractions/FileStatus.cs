using System.ComponentModel;
using System.Runtime.InteropServices;

namespace BlackBox.Images;

/// <summary>What .NET does not tell about a host file: its kind and its owner (statx(2), whose layout is the same on every architecture).</summary>
internal readonly record struct FileStatus(int Mode, int UserId, int GroupId)
{
    private const int AtFdCwd = -100;
    private const int AtSymlinkNoFollow = 0x100;
    private const uint StatxBasicStats = 0x7FF;

    private const int FormatMask = 0xF000;

    public bool IsRegularFile => (Mode & FormatMask) == 0x8000;

    public int Permissions => Mode & 0xFFF;

    /// <exception cref="IOException">The file is not there or not accessible.</exception>
    public static FileStatus Of(string path)
    {
        var buffer = default(StatxBuffer);
        if (NativeMethods.Statx(AtFdCwd, path, AtSymlinkNoFollow, StatxBasicStats, ref buffer) != 0)
        {
            throw new IOException($"{path}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }

        return new FileStatus(buffer.Mode, (int)buffer.UserId, (int)buffer.GroupId);
    }

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct StatxBuffer
    {
        [FieldOffset(20)] public uint UserId;
        [FieldOffset(24)] public uint GroupId;
        [FieldOffset(28)] public ushort Mode;
    }
}

internal static partial class NativeMethods
{
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Statx(int directory, string path, int flags, uint mask, ref FileStatus.StatxBuffer buffer);
}
