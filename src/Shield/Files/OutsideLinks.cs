using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>
/// Paths outside of the image may lead back into it: by a symbolic link that a program made there, or by /proc/self/root and its kin. The OS
/// would then show what it stores. Where a path leads is the OS's word, as everything outside is: a hostile OS gains nothing by it that it could
/// not do to its own files.
/// </summary>
internal static class OutsideLinks
{
    private const int HowBytes = 24;

    /// <summary>openat2: no symbolic link on the way (include/uapi/linux/openat2.h).</summary>
    private const ulong NoSymlinks = 4;

    /// <summary>Flags that openat knows; others it ignores, which openat2 does not (VALID_OPEN_FLAGS).</summary>
    private const uint KnownFlags = 0x7F_FFC3;
    private const uint TemporaryAlone = 0x40_0000;
    private const uint PathFlags = OpenFlags.PathOnly | OpenFlags.Directory | OpenFlags.NoFollow | OpenFlags.CloseOnExec;

    private static ReadOnlySpan<byte> OwnDescriptors => "/proc/self/fd/"u8;

    /// <summary>
    /// Opens what stands outside. One call of the OS where no link is on the way; else it is seen first where the path leads, without opening
    /// it for anything. <paramref name="moved"/>: into the image; nothing is open, and <paramref name="path"/> names the place.
    /// </summary>
    public static long Open(
        ref Thread thread, ulong directory, ref PathWork path, uint flags, ulong mode, ulong resolve, Sys number, out bool moved)
    {
        moved = false;
        if (FileTable.Count == 0)
        {
            return OpenCalls.Forward(ref thread, directory, ref path, flags, mode, resolve, number);
        }

        long result = Call(ref thread, directory, ref path, Clean(flags), CleanMode(flags, mode), resolve | NoSymlinks);
        if (result is not (-Errno.ELOOP or -Errno.ENOSYS or -Errno.EPERM or -Errno.EINVAL) || (resolve & NoSymlinks) != 0)
        {
            return result;
        }

        moved = result == -Errno.ELOOP && LeadsInside(ref thread, directory, ref path, flags & OpenFlags.NoFollow, resolve);
        return moved ? 0 : OpenCalls.Forward(ref thread, directory, ref path, flags, mode, resolve, number);
    }

    /// <summary>Whether a path outside leads to what is the image's; then <paramref name="path"/> becomes that place's.</summary>
    private static bool LeadsInside(ref Thread thread, ulong directory, ref PathWork path, uint noFollow, ulong resolve)
    {
        long descriptor = Call(ref thread, directory, ref path, OpenFlags.PathOnly | OpenFlags.CloseOnExec | noFollow, 0, resolve);
        if (descriptor < 0)
        {
            return false;
        }

        // As with OsFile: it never reaches the program's table.
        bool inside = TryPlace(ref thread, descriptor, ref path);
        _ = Gate.Call(ref thread, Sys.close, (ulong)descriptor);
        return inside;
    }

    /// <summary>After a change of the working directory to a path outside: where the OS is now. True: in the image, and path says where.</summary>
    public static bool WorkingDirectoryIsInside(ref Thread thread, ref PathWork path)
    {
        SharedBuffer buffer = new(ref thread);
        if (FileTable.Count == 0 || !buffer.TryReserve(PathWork.MaxPath, out int offset, out ulong address))
        {
            return false;
        }

        // The length that getcwd gives counts the NUL.
        long length = Gate.Call(ref thread, Sys.getcwd, address, PathWork.MaxPath);
        return length is > 1 and <= PathWork.MaxPath && path.TryMoveInside(ref thread, buffer.Region(offset, (int)length - 1));
    }

    private static bool TryPlace(ref Thread thread, long descriptor, ref PathWork path)
    {
        LineWriter name = default;
        name.Write(OwnDescriptors);
        name.WriteDecimal(descriptor);
        name.Write("\0"u8);
        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryPut(name.Text, out ulong link) || !buffer.TryReserve(PathWork.MaxPath, out int offset, out ulong address))
        {
            return false;
        }

        long length = Gate.Call(ref thread, Sys.readlinkat, PathWork.CurrentDirectory, link, address, PathWork.MaxPath - 1);
        return length is > 0 and < PathWork.MaxPath && path.TryMoveInside(ref thread, buffer.Region(offset, (int)length));
    }

    private static long Call(ref Thread thread, ulong directory, ref PathWork path, uint flags, ulong mode, ulong resolve)
    {
        SharedBuffer buffer = new(ref thread);
        Span<byte> how = stackalloc byte[HowBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(how, flags);
        BinaryPrimitives.WriteUInt64LittleEndian(how[8..], mode);
        BinaryPrimitives.WriteUInt64LittleEndian(how[16..], resolve);
        return path.TryPutText(ref buffer, out ulong place) && buffer.TryPut(how, out ulong howPlace)
            ? PlainCall.Checked(Gate.Call(ref thread, Sys.openat2, directory, place, howPlace, HowBytes))
            : -Errno.ENAMETOOLONG;
    }

    private static uint Clean(uint flags) => flags & ((flags & OpenFlags.PathOnly) != 0 ? PathFlags : KnownFlags);

    private static ulong CleanMode(uint flags, ulong mode) => (flags & (OpenFlags.Create | TemporaryAlone)) != 0 ? mode & 0xFFF : 0;
}
