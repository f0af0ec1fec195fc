using System;

namespace BlackBox.Shield;

/// <summary>Pages of protected files: ciphertext from the OS, read once, verified and decrypted into private frames.</summary>
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
        int good = 0;
        while (good < wanted)
        {
            int step = Math.Min(bytes - have, thread.ServiceBytes);
            long got = Gate.Service(ref thread, Service.ReadFile, file.Pin, offset + (ulong)have, (ulong)step);
            if (got <= 0 || got > step)
            {
                // Shorter than signed: what came whole may still be good.
                if (!thread.Dying)
                {
                    ProtectedFiles.Report(file.SourceIndex, "is shorter than signed, or cannot be read"u8);
                }

                break;
            }

            if (!TryTake(ref thread, in file, page, frames, bytes, (int)got, ref have, ref good))
            {
                ProtectedFiles.Report(file.SourceIndex, "block does not verify"u8);
                break;
            }
        }

        return good > 0 ? good : -Errno.EIO;
    }

    /// <inheritdoc/>
    public static long Write(ref Thread thread, in FileReading file, ulong page, FrameAddress frame, int bytes) => -Errno.EACCES;

    /// <summary>
    /// Takes <paramref name="got"/> bytes that stand in the service area: a block that came whole is decrypted from there into its frame, one that
    /// came in pieces is put together there first. <paramref name="have"/> and <paramref name="good"/>: bytes and blocks taken before, and after.
    /// </summary>
    private static bool TryTake(
        ref Thread thread, in FileReading file, ulong page, ReadOnlySpan<FrameAddress> frames, int bytes, int got, ref int have, ref int good)
    {
        int at = 0;
        while (at < got)
        {
            int inBlock = have - (good * FrameAddress.Size);
            int block = Math.Min(FrameAddress.Size, bytes - (good * FrameAddress.Size));
            int part = Math.Min(got - at, block - inBlock);
            Span<byte> frame = Frames.Bytes(frames[good]);
            ReadOnlySpan<byte> stored = SharedBuffer.ServiceRegion(ref thread, at, part);
            if (part < block)
            {
                stored.CopyTo(frame[inBlock..]);
                stored = frame[..block];
            }

            at += part;
            have += part;
            if (inBlock + part < block)
            {
                break;
            }

            frame[block..].Clear();
            if (!ProtectedFiles.TryDecrypt(file.SourceIndex, page + (ulong)good, stored, frame[..block]))
            {
                return false;
            }

            good++;
        }

        return true;
    }
}
