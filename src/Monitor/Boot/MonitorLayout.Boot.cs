using System;
using BlackBox.Abi;

namespace BlackBox.Monitor;

public partial struct MonitorLayout
{
    private const ulong GigabyteSize = 1UL << 30;

    /// <summary>Places all tables: below the image as long as there is room, the rest behind it, so that nothing is left over.</summary>
    /// <param name="ram">the machine's RAM, 2 MiB aligned at both ends, inside the IPA space below LentBit and GateIpa</param>
    /// <param name="image">what the loader and boot code have placed in it (text, data, stacks, boot tables)</param>
    /// <param name="shieldImage">inside <paramref name="image"/></param>
    /// <param name="shieldEntry">inside <paramref name="shieldImage"/></param>
    /// <param name="gateFrame">inside <paramref name="image"/>; filled with BRK</param>
    /// <param name="deviceTables">tables that the device ranges need at most</param>
    /// <param name="hasSmmu">place the SMMU's tables too</param>
    /// <returns>false if the RAM is too small or misplaced</returns>
    public static bool TryPlace(FrameRange ram, FrameRange image, FrameRange shieldImage, IntermediateAddress shieldEntry,
        FrameNumber gateFrame, ulong deviceTables, bool hasSmmu, out MonitorLayout layout)
    {
        layout = default;
        layout.Ram = ram;
        layout.ShieldImage = shieldImage;
        layout.ShieldEntry = shieldEntry;
        layout.GateFrame = gateFrame;
        ulong end = ram.End.Address.Value;
        if (ram.First.Value % FrameNumber.PerBlock != 0 || ram.Count % FrameNumber.PerBlock != 0 || ram.Count == 0 || end > AbiConstants.LentBit
            || image.First.Value < ram.First.Value || image.End.Value > ram.End.Value)
        {
            return false;
        }

        Room room = new() { Low = ram.First.Address.Value, LowEnd = image.First.Address.Value, High = image.End.Address.Value };
        layout.OsRoot = room.Place(2 * FrameNumber.Size, 2 * FrameNumber.Size);
        layout.AuditFrame = room.Place(layout.PublishedFrames.Count << FrameNumber.Shift).Frame;
        layout.OsRecord = room.Place(FrameNumber.Size);
        layout.Enclaves = room.Place(Constants.MaximumEnclaves * Enclave.Bytes);
        layout.Tasks = room.Place(Constants.MaximumTasks * TaskSlot.Bytes);
        layout.FrameWords = room.Place(ram.Count * sizeof(uint));
        ulong gigabytes = ((end - 1) / GigabyteSize) - (ram.First.Address.Value / GigabyteSize) + 1;
        if (hasSmmu)
        {
            layout.DmaControl = room.Place(Smmu.ControlBytes(gigabytes), Smmu.ControlAlignment);
            layout.DmaPages = room.Place(ram.Count * sizeof(ulong));
        }

        // Level 3: one per 2 MiB of RAM; level 2: one per GiB that RAM touches; two for the gate page.
        ulong tables = (ram.Count / FrameNumber.PerBlock) + gigabytes + 2 + deviceTables;
        ulong below = Math.Min(tables, (room.LowEnd - room.Low) / FrameNumber.Size);
        layout.OsTablesBelow = new FrameRange(new PhysicalAddress(room.Low).Frame, below);
        layout.OsTables = new FrameRange(new PhysicalAddress(room.High).Frame, tables - below);
        if (layout.OsTables.End.Value >= ram.End.Value)
        {
            return false;
        }

        layout.OsRam = new FrameRange(layout.OsTables.End, ram.End.Value - layout.OsTables.End.Value);
        return true;
    }

    private static ulong AlignUp(ulong value, ulong alignment) => (value + alignment - 1) & ~(alignment - 1);

    // RAM before and behind the image.
    private struct Room
    {
        public ulong Low;
        public ulong LowEnd;
        public ulong High;

        public PhysicalAddress Place(ulong bytes, ulong alignment = FrameNumber.Size)
        {
            bytes = AlignUp(bytes, FrameNumber.Size);
            ulong start = AlignUp(Low, alignment);
            if (start <= LowEnd && bytes <= LowEnd - start)
            {
                Low = start + bytes;
                return new PhysicalAddress(start);
            }

            start = AlignUp(High, alignment);
            High = start + bytes;
            return new PhysicalAddress(start);
        }
    }
}
