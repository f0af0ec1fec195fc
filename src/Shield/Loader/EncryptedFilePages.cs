using System;

namespace BlackBox.Shield;

/// <summary>Pages of protected files: ciphertext from the OS, copied into private frames once, verified and decrypted there.</summary>
internal struct EncryptedFilePages : IFilePages
{
    /// <inheritdoc/>
    public static long Read(ref Thread thread, in FileReading file, ulong page, ReadOnlySpan<FrameAddress> frames)
    {
        ulong pages = (file.Size + UserLayout.PageMask) >> UserLayout.PageShift;
        int wanted = (int)Math.Min((ulong)frames.Length, pages - Math.Min(pages, page));
        if (wanted <= 0 || thread.ServiceBytes == 0)
        {
            return -Errno.EIO;
        }

        ulong offset = page << UserLayout.PageShift;
        int bytes = (int)Math.Min((ulong)(wanted * FrameAddress.Size), file.Size - offset);
        int have = 0;
        while (have < bytes)
        {
            int step = Math.Min(bytes - have, thread.ServiceBytes);
            long got = Gate.Service(ref thread, Service.ReadFile, file.Pin, offset + (ulong)have, (ulong)step);
            if (got <= 0 || got > step)
            {
                // Shorter than signed: what came whole may still be good.
                break;
            }

            Scatter(ref thread, frames, have, (int)got);
            have += (int)got;
        }

        int good = 0;
        while (good < wanted)
        {
            int length = Math.Min(FrameAddress.Size, bytes - (good * FrameAddress.Size));
            if ((good * FrameAddress.Size) + length > have)
            {
                if (!thread.Dying)
                {
                    ProtectedFiles.Report(file.SourceIndex, "is shorter than signed, or cannot be read"u8);
                }

                break;
            }

            Span<byte> data = Frames.Bytes(frames[good]);
            data[length..].Clear();
            if (!ProtectedFiles.TryDecrypt(file.SourceIndex, page + (ulong)good, data[..length]))
            {
                ProtectedFiles.Report(file.SourceIndex, "block does not verify"u8);
                break;
            }

            good++;
        }

        return good > 0 ? good : -Errno.EIO;
    }

    /// <inheritdoc/>
    public static long Write(ref Thread thread, in FileReading file, ulong page, FrameAddress frame, int bytes) => -Errno.EACCES;

    /// <summary>Copies what stands in the service area to its place in the frames.</summary>
    private static void Scatter(ref Thread thread, ReadOnlySpan<FrameAddress> frames, int at, int length)
    {
        int done = 0;
        while (done < length)
        {
            int offset = (at + done) % FrameAddress.Size;
            int step = Math.Min(length - done, FrameAddress.Size - offset);
            SharedBuffer.CopyFromService(ref thread, done, Frames.Bytes(frames[(at + done) / FrameAddress.Size]).Slice(offset, step));
            done += step;
        }
    }
}
