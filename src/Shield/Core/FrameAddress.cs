namespace BlackBox.Shield;

/// <summary>Intermediate physical address of a private 4 KiB frame of this enclave; zero is no frame.</summary>
internal readonly struct FrameAddress(ulong value)
{
    /// <summary>Bytes of a frame (granule).</summary>
    public const int Size = 4096;

    public ulong Value { get; } = value;

    public bool IsNull => Value == 0;

    public FrameAddress Plus(int frames) => new(Value + ((ulong)frames << 12));
}
