namespace BlackBox.Monitor;

/// <summary>Number of a 4 KiB physical frame: physical address / 4096.</summary>
public readonly struct FrameNumber(ulong value)
{
    /// <summary>log2 of the frame size.</summary>
    public const int Shift = 12;

    /// <summary>Bytes of a frame.</summary>
    public const ulong Size = 1UL << Shift;

    /// <summary>Frames of a 2 MiB stage-2 block.</summary>
    public const ulong PerBlock = 512;

    /// <summary>The number.</summary>
    public ulong Value { get; } = value;

    /// <summary>Physical address of the frame's first byte.</summary>
    public PhysicalAddress Address => new(Value << Shift);

    public static FrameNumber operator +(FrameNumber frame, ulong count) => new(frame.Value + count);
}
