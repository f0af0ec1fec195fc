using BlackBox.Abi;

namespace BlackBox.Monitor;

public partial struct MonitorLayout
{
    private const ulong BlockSize = FrameNumber.Size * FrameNumber.PerBlock;
    private const ulong GigabyteSize = 1UL << 30;

    /// <summary>Places all tables behind the image.</summary>
    /// <param name="ram">the machine's RAM, 2 MiB aligned at both ends, inside the IPA space below LentBit and GateIpa</param>
    /// <param name="reservedEnd">first frame after what boot code has placed at the start of RAM (image, stacks, boot tables)</param>
    /// <param name="shieldImage">inside the reserved part</param>
    /// <param name="shieldEntry">inside <paramref name="shieldImage"/></param>
    /// <param name="gateFrame">inside the reserved part; filled with BRK</param>
    /// <param name="deviceTables">tables that the device ranges need at most</param>
    /// <returns>false if the RAM is too small or misplaced</returns>
    public static bool TryPlace(FrameRange ram, FrameNumber reservedEnd, FrameRange shieldImage, IntermediateAddress shieldEntry,
        FrameNumber gateFrame, ulong deviceTables, out MonitorLayout layout)
    {
        layout = default;
        layout.Ram = ram;
        layout.ShieldImage = shieldImage;
        layout.ShieldEntry = shieldEntry;
        layout.GateFrame = gateFrame;
        ulong end = ram.End.Address.Value;
        if (ram.First.Value % FrameNumber.PerBlock != 0 || ram.Count % FrameNumber.PerBlock != 0 || ram.Count == 0 || end > AbiConstants.LentBit)
        {
            return false;
        }

        ulong at = reservedEnd.Address.Value;
        layout.FrameWords = Place(ref at, ram.Count * sizeof(uint));
        layout.Enclaves = Place(ref at, Constants.MaximumEnclaves * Enclave.Bytes);
        layout.Tasks = Place(ref at, Constants.MaximumTasks * TaskSlot.Bytes);
        layout.OsRecord = Place(ref at, FrameNumber.Size);
        at = AlignUp(at, 2 * FrameNumber.Size);
        layout.OsRoot = Place(ref at, 2 * FrameNumber.Size);
        // Level 3: one per 2 MiB of RAM; level 2: one per GiB that RAM touches; two for the gate page.
        ulong tables = (ram.Count / FrameNumber.PerBlock) + ((end - 1) / GigabyteSize) - (ram.First.Address.Value / GigabyteSize) + 1 + 2 + deviceTables;
        layout.OsTables = new FrameRange(new PhysicalAddress(Place(ref at, tables * FrameNumber.Size).Value).Frame, tables);
        at = AlignUp(at, BlockSize);
        if (at >= end)
        {
            return false;
        }

        FrameNumber first = new PhysicalAddress(at).Frame;
        layout.OsRam = new FrameRange(first, ram.End.Value - first.Value);
        return true;
    }

    private static PhysicalAddress Place(ref ulong at, ulong bytes)
    {
        ulong start = AlignUp(at, FrameNumber.Size);
        at = start + AlignUp(bytes, FrameNumber.Size);
        return new PhysicalAddress(start);
    }

    private static ulong AlignUp(ulong value, ulong alignment) => (value + alignment - 1) & ~(alignment - 1);
}
