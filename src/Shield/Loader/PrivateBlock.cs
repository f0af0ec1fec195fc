using System;
using System.Numerics;

namespace BlackBox.Shield;

/// <summary>Contiguous private frames for data of any size up to 2 MiB.</summary>
internal struct PrivateBlock
{
    public const int MaxBytes = FrameAddress.Size << Frames.MaxOrder;

    public FrameAddress First;
    public int Order;
    public int Length;

    public readonly Span<byte> Bytes => Length == 0 ? default : Hardware.Memory(First.Value, Length);

    /// <summary>May call the OS for frames. False: too large, or no memory.</summary>
    public static bool TryAllocate(ref Thread thread, int bytes, out PrivateBlock block)
    {
        block = default;
        if (bytes is < 0 or > MaxBytes)
        {
            return false;
        }

        if (bytes == 0)
        {
            return true;
        }

        int frames = (bytes + FrameAddress.Size - 1) / FrameAddress.Size;
        int order = frames == 1 ? 0 : BitOperations.Log2((uint)(frames - 1)) + 1;
        if (!Frames.TryAllocateContiguous(order, out FrameAddress first)
            && (!Frames.Reserve(ref thread, Frames.FreeCount + (1 << order)) || !Frames.TryAllocateContiguous(order, out first)))
        {
            return false;
        }

        block = new PrivateBlock { First = first, Order = order, Length = bytes };
        return true;
    }

    public void Free()
    {
        if (Length != 0)
        {
            Frames.Free(First, Order);
            Length = 0;
        }
    }
}
