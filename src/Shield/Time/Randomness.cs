using System;

namespace BlackBox.Shield;

/// <summary>getrandom: from the monitor's generator, never from the OS.</summary>
internal static class Randomness
{
    private const ulong NonBlock = 1;
    private const ulong Random = 2;
    private const ulong Insecure = 4;
    private const int Piece = 256;
    private const ulong Most = 32UL << 20;

    public static long GetRandom(ref Thread thread, ref CallArguments a)
    {
        ulong flags = a[2];
        if ((flags & ~(NonBlock | Random | Insecure)) != 0 || (flags & (Random | Insecure)) == (Random | Insecure))
        {
            return -Errno.EINVAL;
        }

        // Linux answers at most 32 MiB - 1 in one call; a shorter answer is allowed for any length above 256.
        ulong length = Math.Min(a[1], Most - 1);
        Span<byte> bytes = stackalloc byte[Piece];
        ulong done = 0;
        while (done < length)
        {
            Span<byte> piece = bytes[..(int)Math.Min(length - done, Piece)];
            Hardware.Random(piece);
            if (!UserMemory.TryWrite(ref thread, a[0] + done, piece))
            {
                bytes.Clear();
                return done > 0 ? (long)done : -Errno.EFAULT;
            }

            done += (ulong)piece.Length;

            // A long request gives way to signals, as in Linux, once there is more than anybody counts on.
            if (done % FrameAddress.Size == 0 && (Hardware.IsEventPending || SignalEntry.IsPending(ref thread)))
            {
                break;
            }

            KernelLock.Release();
            KernelLock.Acquire();
        }

        bytes.Clear();
        return (long)done;
    }
}
