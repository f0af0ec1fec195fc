using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>Frames that one read of a file fills.</summary>
[InlineArray(Count)]
internal struct FrameList
{
    /// <summary>At most.</summary>
    public const int Count = 16;

    private FrameAddress _first;
}

/// <summary>
/// Reads and writes whole pages of a file of one <see cref="FileSource"/>. Both may call the OS and thus drop the kernel lock: the
/// frames named are the caller's alone meanwhile, and what stands in the object must be looked up again afterwards.
/// </summary>
internal interface IFilePages
{
    /// <summary>
    /// Fills <paramref name="frames"/> with consecutive pages from <paramref name="page"/> on; bytes beyond the file's end are zeros. Returns
    /// the pages filled, at least one, or -errno.
    /// </summary>
    static abstract long Read(ref Thread thread, in FileReading file, ulong page, ReadOnlySpan<FrameAddress> frames);

    /// <summary>Writes the first <paramref name="bytes"/> bytes of a page back. Returns 0 or -errno.</summary>
    static abstract long Write(ref Thread thread, in FileReading file, ulong page, FrameAddress frame, int bytes);
}

/// <summary>What reading needs of an object, copied while the lock was held.</summary>
internal readonly struct FileReading(FileSource source, ulong pin, int sourceIndex, ulong size)
{
    /// <summary>Where the bytes come from.</summary>
    public FileSource Source { get; } = source;

    /// <summary>The module's handle.</summary>
    public ulong Pin { get; } = pin;

    /// <summary>The Loader's number of an encrypted file.</summary>
    public int SourceIndex { get; } = sourceIndex;

    /// <summary>Bytes of the file.</summary>
    public ulong Size { get; } = size;
}

/// <summary>Files as the OS gives them, by the module's handle.</summary>
internal struct ClearFilePages : IFilePages
{
    /// <inheritdoc/>
    public static long Read(ref Thread thread, in FileReading file, ulong page, ReadOnlySpan<FrameAddress> frames)
    {
        int most = Math.Min(frames.Length, thread.ServiceBytes / FrameAddress.Size);
        if (most == 0)
            return -Errno.EIO;
        int wanted = most * FrameAddress.Size;
        long got = Gate.Service(ref thread, Service.ReadFile, file.Pin, page << UserLayout.PageShift, (ulong)wanted);
        if (got < 0)
            return got;
        if (got > wanted)
            return -Errno.EIO;

        // The data stands in this thread's buffer. A short answer is the end of the file, or a lie that costs zeros.
        int pages = Math.Max(1, ((int)got + FrameAddress.Size - 1) / FrameAddress.Size);
        for (int i = 0; i < pages; i++)
        {
            int bytes = Math.Min(FrameAddress.Size, (int)got - (i * FrameAddress.Size));
            Span<byte> to = Frames.Bytes(frames[i]);
            if (bytes > 0)
                SharedBuffer.CopyFromService(ref thread, i * FrameAddress.Size, to[..bytes]);
            to[Math.Max(bytes, 0)..].Clear();
        }
        return pages;
    }

    /// <inheritdoc/>
    public static long Write(ref Thread thread, in FileReading file, ulong page, FrameAddress frame, int bytes)
    {
        if (thread.ServiceBytes < bytes)
            return -Errno.EIO;
        SharedBuffer.CopyToService(ref thread, Frames.Bytes(frame)[..bytes]);
        long written = Gate.Service(ref thread, Service.WriteFile, file.Pin, page << UserLayout.PageShift, (ulong)bytes);
        return written == bytes ? 0 : written < 0 ? written : -Errno.EIO;
    }
}

/// <summary>Chooses the reader by source.</summary>
internal static class FilePages
{
    public static long Read(ref Thread thread, in FileReading file, ulong page, ReadOnlySpan<FrameAddress> frames) => file.Source switch
    {
        FileSource.Clear => ClearFilePages.Read(ref thread, in file, page, frames),
        _ => EncryptedFilePages.Read(ref thread, in file, page, frames),
    };

    public static long Write(ref Thread thread, in FileReading file, ulong page, FrameAddress frame, int bytes) => file.Source switch
    {
        FileSource.Clear => ClearFilePages.Write(ref thread, in file, page, frame, bytes),
        _ => EncryptedFilePages.Write(ref thread, in file, page, frame, bytes),
    };
}
