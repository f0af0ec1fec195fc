using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>Descriptors in ancillary data (SCM_RIGHTS): which files leave, and which numbers arrive.</summary>
internal static class PassedDescriptors
{
    // struct cmsghdr: length (8 bytes), level, type; data follows, everything aligned to 8.
    private const int HeaderBytes = 16;
    private const int LevelSocket = 1;
    private const int TypeRights = 1;

    /// <summary>The open files that the program's ancillary data names, each with a reference: 0 or -errno. Null if it names none.</summary>
    public static long Collect(ref Thread thread, ulong address, int length, out Handle<PassedFiles> files)
    {
        files = default;
        Span<byte> header = stackalloc byte[HeaderBytes];
        ulong at = address;
        ulong end = address + (ulong)length;
        while (end - at >= HeaderBytes && end >= at)
        {
            if (!UserMemory.TryRead(ref thread, at, header))
            {
                PassedFiles.Free(files);
                files = default;
                return -Errno.EFAULT;
            }

            ulong bytes = MemoryMarshal.Read<ulong>(header);
            if (bytes < HeaderBytes || bytes > end - at)
            {
                break;
            }

            if (MemoryMarshal.Read<int>(header[8..]) == LevelSocket && MemoryMarshal.Read<int>(header[12..]) == TypeRights)
            {
                long error = Add(ref thread, at + HeaderBytes, (int)(bytes - HeaderBytes) / sizeof(int), ref files);
                if (error < 0)
                {
                    PassedFiles.Free(files);
                    files = default;
                    return error;
                }
            }

            at += (bytes + 7) & ~7UL;
        }

        return 0;
    }

    /// <summary>
    /// Records the numbers that arrived in ancillary data, which stands in private memory: of the files that travelled, in their order, or as
    /// files in clear if the data came from outside. 0 or -EIO.
    /// </summary>
    public static long Arrive(ref Thread thread, ReadOnlySpan<byte> control, Handle<PassedFiles> files, bool clear, bool closeOnExec)
    {
        int next = 0;
        long result = 0;
        while (control.Length >= HeaderBytes)
        {
            ulong bytes = BinaryPrimitives.ReadUInt64LittleEndian(control);
            if (bytes < HeaderBytes || bytes > (ulong)control.Length)
            {
                break;
            }

            ReadOnlySpan<byte> data = control[HeaderBytes..(int)bytes];
            bool rights = BinaryPrimitives.ReadInt32LittleEndian(control[8..]) == LevelSocket && BinaryPrimitives.ReadInt32LittleEndian(control[12..]) == TypeRights;
            for (; rights && data.Length >= sizeof(int); data = data[sizeof(int)..])
            {
                int number = BinaryPrimitives.ReadInt32LittleEndian(data);
                long recorded = number < 0 ? -Errno.EIO
                    : clear ? Descriptors.RecordClear(ref thread, number, closeOnExec)
                    : RecordNext(ref thread, number, files, next++, closeOnExec);
                result = recorded < 0 ? -Errno.EIO : result;
            }

            int step = (int)Math.Min((bytes + 7) & ~7UL, (ulong)control.Length);
            control = control[step..];
        }

        return result;
    }

    private static long RecordNext(ref Thread thread, int number, Handle<PassedFiles> files, int index, bool closeOnExec)
    {
        if (files.IsNull || index >= Pool<PassedFiles>.Get(files).Count)
        {
            // More than were sent.
            Descriptors.Lies++;
            return -Errno.EIO;
        }

        Handle<OpenFile> file = Pool<PassedFiles>.Get(files).Files[index];
        OpenFiles.AddReference(file);
        return Descriptors.Record(ref thread, number, file, closeOnExec);
    }

    private static long Add(ref Thread thread, ulong address, int count, ref Handle<PassedFiles> files)
    {
        if (files.IsNull && !Pool<PassedFiles>.TryAdd(out files))
        {
            return -Errno.ENOMEM;
        }

        for (int i = 0; i < count; i++)
        {
            if (!UserMemory.TryRead(ref thread, address + (ulong)(i * sizeof(int)), out int number))
            {
                return -Errno.EFAULT;
            }

            ref PassedFiles list = ref Pool<PassedFiles>.Get(files);
            if (list.Count == PassedFiles.Most)
            {
                return -Errno.EINVAL;
            }

            if (!Descriptors.TryFind(ref thread, (uint)number, out Handle<OpenFile> file))
            {
                return -Errno.EBADF;
            }

            OpenFiles.AddReference(file);
            list.Files[list.Count++] = file;
        }

        return 0;
    }
}
