namespace BlackBox.Monitor;

/// <summary>A range of physical addresses, in bytes.</summary>
public struct AddressRange
{
    public ulong Start;
    public ulong Size;

    public readonly ulong End => Start + Size;

    public readonly bool IsEmpty => Size == 0;

    /// <summary>Does it end at or below 2^64?</summary>
    public readonly bool IsSound => Start + Size >= Start;

    public readonly bool Overlaps(AddressRange other) => Start < other.End && other.Start < End;

    public readonly bool Contains(AddressRange other) => other.Start >= Start && other.End <= End;
}
