using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>Intermediate physical address (IPA): what a guest's stage 1 yields and stage 2 translates; 40 bits.</summary>
public readonly struct IntermediateAddress(ulong value)
{
    /// <summary>Width of the IPA space, the same for all worlds (VTCR_EL2.T0SZ = 24).</summary>
    public const int Bits = 40;

    /// <summary>The address in bytes.</summary>
    public ulong Value { get; } = value;

    /// <summary>Is it inside the IPA space?</summary>
    public bool IsInSpace => Value >> Bits == 0;

    /// <summary>The address at which an OS's or a private frame stands: identity.</summary>
    public static IntermediateAddress Of(FrameNumber frame) => new(frame.Address.Value);

    /// <summary>The address at which a lent frame stands in a PPAS.</summary>
    public static IntermediateAddress OfLent(FrameNumber frame) => new(frame.Address.Value | AbiConstants.LentBit);

    public static IntermediateAddress operator +(IntermediateAddress address, ulong bytes) => new(address.Value + bytes);
}
