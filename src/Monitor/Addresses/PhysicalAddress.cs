namespace BlackBox.Monitor;

/// <summary>Physical address of the machine, in bytes. Never an address that the OS or a container computed with:
/// those are <see cref="IntermediateAddress"/> until they were checked.</summary>
public readonly struct PhysicalAddress(ulong value)
{
    /// <summary>The address in bytes.</summary>
    public ulong Value { get; } = value;

    /// <summary>Frame that holds the address.</summary>
    public FrameNumber Frame => new(Value >> FrameNumber.Shift);

    /// <summary>Is it the first byte of a frame?</summary>
    public bool IsFrameAligned => (Value & (FrameNumber.Size - 1)) == 0;

    public static PhysicalAddress operator +(PhysicalAddress address, ulong bytes) => new(address.Value + bytes);
}
