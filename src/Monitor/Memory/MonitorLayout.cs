using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>Where the monitor's tables stand in RAM. Computed once at boot from the machine's RAM and the image; blittable.</summary>
public partial struct MonitorLayout
{
    /// <summary>All RAM that the frame table describes.</summary>
    public FrameRange Ram;

    /// <summary>The part that is the OS's at boot: from the end of the image and the tables behind it to the end of RAM.</summary>
    public FrameRange OsRam;

    /// <summary>Text and read-only data of the shield, mapped in every PPAS at its own address.</summary>
    public FrameRange ShieldImage;

    /// <summary>Address at which the shield's boot stub starts, inside <see cref="ShieldImage"/>.</summary>
    public IntermediateAddress ShieldEntry;

    /// <summary>The frame of BRK instructions that stands at GateIpa in the OS's stage-2.</summary>
    public FrameNumber GateFrame;

    /// <summary>The ring of <see cref="Audit"/>, at AuditIpa in the OS's stage-2.</summary>
    public FrameNumber AuditFrame;

    /// <summary>That one and what the TPM has said of this boot, at EvidenceIpa.</summary>
    public readonly FrameRange PublishedFrames => new(AuditFrame, (AbiConstants.EvidenceIpa + AbiConstants.EvidenceSize - AbiConstants.AuditIpa) / FrameNumber.Size);

    /// <summary>One 32-bit word per frame of <see cref="Ram"/>.</summary>
    public PhysicalAddress FrameWords;

    /// <summary>Table of <see cref="Enclave"/>.</summary>
    public PhysicalAddress Enclaves;

    /// <summary>Table of <see cref="TaskSlot"/>.</summary>
    public PhysicalAddress Tasks;

    /// <summary>One page: lock and pool of the OS's stage-2 (<see cref="OsStageTwo"/>).</summary>
    public PhysicalAddress OsRecord;

    /// <summary>Root of the OS's stage-2: two frames, 8 KiB aligned.</summary>
    public PhysicalAddress OsRoot;

    /// <summary>Frames for the OS's stage-2 tables, enough for every block of RAM to be split; the rest stands below the image.</summary>
    public FrameRange OsTables;
    public FrameRange OsTablesBelow;

    /// <summary>One entry of 8 bytes per frame of <see cref="Ram"/>: what devices reach (<see cref="DmaTables"/>); 0 without an SMMU.</summary>
    public PhysicalAddress DmaPages;

    /// <summary>Streams, context, queues and upper tables of the SMMU.</summary>
    public PhysicalAddress DmaControl;
}
