namespace BlackBox.Monitor;

/// <summary>One world's stage-2 translation tables: 40-bit IPA, 4 KiB granule, start level 1 in two concatenated tables
/// (VTCR_EL2 the same for all). Blocks of 2 MiB where a whole block is mapped at once, split when a part is unmapped; 1 GiB
/// blocks only where boot code maps them. Every change of a valid entry is break-before-make (Arm ARM D8.16.1): zero, DSB, TLBI,
/// DSB, then the new value. Another CPU may fault in between: the abort handler looks again (<see cref="Find"/>) and retries.</summary>
/// <remarks>The caller holds the tree's lock.</remarks>
public readonly ref partial struct StageTwoTree
{
    private const ulong FramesPerGigabyte = FrameNumber.PerBlock * FrameNumber.PerBlock;
    private const int Entries = 512;
    private const int RootEntries = 1024;

    private readonly ulong _vttbr;
    private readonly bool _merges;
    private readonly ref TablePool _pool;

    /// <param name="vttbr">VMID in bits 63:48, physical address of the root below</param>
    /// <param name="pool">where tables come from</param>
    /// <param name="merges">make a 2 MiB block again when all of it is mapped (the OS's tree)</param>
    public StageTwoTree(ulong vttbr, ref TablePool pool, bool merges)
    {
        _vttbr = vttbr;
        _pool = ref pool;
        _merges = merges;
    }

    private PhysicalAddress Root => new(_vttbr & ((1UL << 48) - 1));

    /// <summary>Table frames that <see cref="Map"/> of the range takes or promises.</summary>
    public uint TablesNeeded(IntermediateAddress start, ulong frames)
    {
        uint needed = 0;
        int lastMissing = -1;
        for (ulong done = 0; done < frames;)
        {
            IntermediateAddress at = start + (done << FrameNumber.Shift);
            Descriptor upper = Read(Root, IndexOne(at));
            if (!upper.IsValid)
            {
                needed += IndexOne(at) == lastMissing ? 1u : 2u;
                lastMissing = IndexOne(at);
            }
            else if (upper.IsTable && !Read(upper.Address, IndexTwo(at)).IsValid)
            {
                needed++;
            }

            done += Piece(at, frames - done);
        }

        return needed;
    }

    /// <summary>Maps frames at IPAs that are not mapped. <see cref="TablesNeeded"/> was asked before: this cannot fail.</summary>
    public void Map(IntermediateAddress start, FrameRange range, ulong attributes)
    {
        for (ulong done = 0; done < range.Count;)
        {
            IntermediateAddress at = start + (done << FrameNumber.Shift);
            ulong piece = Piece(at, range.Count - done);
            MapPiece(at, range.Slice(done, piece), attributes);
            done += piece;
        }

        Hardware.DataBarrierStores();
    }

    /// <summary>Unmaps what of the range is mapped; on return no CPU can use an old translation.</summary>
    public void Unmap(IntermediateAddress start, ulong frames)
    {
        bool stale = false;
        for (ulong done = 0; done < frames;)
        {
            IntermediateAddress at = start + (done << FrameNumber.Shift);
            ulong piece = Piece(at, frames - done);
            stale |= UnmapPiece(at, piece);
            done += piece;
        }

        if (stale)
        {
            Invalidate(start, frames);
        }
    }

    /// <summary>The leaf descriptor for an IPA inside the space; not valid: unmapped.</summary>
    /// <param name="level">level of the descriptor: 1, 2 or 3</param>
    public Descriptor Find(IntermediateAddress at, out int level)
    {
        level = 1;
        Descriptor entry = Read(Root, IndexOne(at));
        if (entry.IsTable)
        {
            level = 2;
            entry = Read(entry.Address, IndexTwo(at));
        }

        if (level == 2 && entry.IsTable)
        {
            level = 3;
            entry = Read(entry.Address, IndexThree(at));
        }

        return entry;
    }

    /// <summary>Does the tree allow this access now?</summary>
    public bool Allows(IntermediateAddress at, bool isWrite, bool isExecute)
    {
        Descriptor leaf = at.IsInSpace ? Find(at, out _) : default;
        return leaf.IsValid && (!isWrite || leaf.IsWritable) && (!isExecute || leaf.IsExecutable);
    }

    private void MapPiece(IntermediateAddress at, FrameRange piece, ulong attributes)
    {
        PhysicalAddress table = NextTable(Root, IndexOne(at));
        Descriptor entry = Read(table, IndexTwo(at));
        bool isBlock = piece.Count == FrameNumber.PerBlock && piece.First.Value % FrameNumber.PerBlock == 0;
        if (isBlock)
        {
            if (entry.IsTable)
            {
                // Nothing of the block is mapped: its empty table goes, a block entry comes.
                CheckEmpty(entry.Address);
                Break(table, IndexTwo(at), Align(at), FrameNumber.PerBlock);
                _pool.Push(entry.Address);
            }

            WriteNew(table, IndexTwo(at), Descriptor.Block(piece.First.Address, attributes));
            _pool.Reserve();
            return;
        }

        PhysicalAddress pages = NextTable(table, IndexTwo(at));
        for (ulong i = 0; i < piece.Count; i++)
        {
            WriteNew(pages, IndexThree(at) + (int)i, Descriptor.Page((piece.First + i).Address, attributes));
        }

        if (_merges && IsWhole(pages))
        {
            Merge(table, IndexTwo(at), Align(at), pages);
        }
    }

    // Returns true if the caller has to invalidate the piece.
    private bool UnmapPiece(IntermediateAddress at, ulong frames)
    {
        Descriptor upper = Read(Root, IndexOne(at));
        if (!upper.IsValid)
        {
            return false;
        }

        PhysicalAddress table = upper.IsTable ? upper.Address : SplitGigabyte(at, upper);
        Descriptor entry = Read(table, IndexTwo(at));
        if (!entry.IsValid)
        {
            return false;
        }

        if (!entry.IsTable)
        {
            _pool.Unreserve();
            if (frames == FrameNumber.PerBlock)
            {
                Hardware.WriteEntry(table, IndexTwo(at), 0);
                return true;
            }

            SplitBlock(table, at, entry, frames);
            return false;
        }

        bool stale = false;
        for (int i = IndexThree(at); i < IndexThree(at) + (int)frames; i++)
        {
            if (Read(entry.Address, i).IsValid)
            {
                Hardware.WriteEntry(entry.Address, i, 0);
                stale = true;
            }
        }

        return stale;
    }

    private PhysicalAddress SplitGigabyte(IntermediateAddress at, Descriptor block)
    {
        PhysicalAddress table = _pool.Pop();
        for (int i = 0; i < Entries; i++)
        {
            PhysicalAddress part = block.Address + ((ulong)i * FrameNumber.PerBlock << FrameNumber.Shift);
            Hardware.WriteEntry(table, i, Descriptor.Block(part, block.Attributes).Value);
            _pool.Reserve();
        }

        Break(Root, IndexOne(at), new IntermediateAddress(at.Value & ~((1UL << 30) - 1)), FramesPerGigabyte);
        WriteNew(Root, IndexOne(at), Descriptor.Table(table));
        Hardware.DataBarrierStores();
        return table;
    }

    // The new table maps all of the block but the frames to unmap: one invalidation does both.
    private void SplitBlock(PhysicalAddress table, IntermediateAddress at, Descriptor block, ulong hole)
    {
        PhysicalAddress pages = _pool.Pop();
        ulong firstHole = (ulong)IndexThree(at);
        for (ulong i = 0; i < Entries; i++)
        {
            if (i - firstHole >= hole)
            {
                Hardware.WriteEntry(pages, (int)i, Descriptor.Page(block.Address + (i << FrameNumber.Shift), block.Attributes).Value);
            }
        }

        Break(table, IndexTwo(at), Align(at), FrameNumber.PerBlock);
        WriteNew(table, IndexTwo(at), Descriptor.Table(pages));
        Hardware.DataBarrierStores();
    }

    private void Merge(PhysicalAddress table, int index, IntermediateAddress at, PhysicalAddress pages)
    {
        Descriptor first = Read(pages, 0);
        Break(table, index, at, FrameNumber.PerBlock);
        WriteNew(table, index, Descriptor.Block(first.Address, first.Attributes));
        _pool.Reserve();
        Hardware.ZeroFrame(pages);
        _pool.Push(pages);
    }

    // Do the 512 pages make one block?
    private static bool IsWhole(PhysicalAddress pages)
    {
        ulong first = Hardware.ReadEntry(pages, 0);
        if ((first & 1) == 0 || new Descriptor(first).Address.Frame.Value % FrameNumber.PerBlock != 0)
        {
            return false;
        }

        for (int i = 1; i < Entries; i++)
        {
            if (Hardware.ReadEntry(pages, i) != first + ((ulong)i << FrameNumber.Shift))
            {
                return false;
            }
        }

        return true;
    }

    private PhysicalAddress NextTable(PhysicalAddress table, int index)
    {
        Descriptor entry = Read(table, index);
        if (entry.IsTable)
        {
            return entry.Address;
        }

        PhysicalAddress next = _pool.Pop();
        Hardware.DataBarrierStores(); // a walk that sees the link sees the zeros
        WriteNew(table, index, Descriptor.Table(next));
        return next;
    }

    private void Break(PhysicalAddress table, int index, IntermediateAddress start, ulong frames)
    {
        Hardware.WriteEntry(table, index, 0);
        Invalidate(start, frames);
    }

    private void Invalidate(IntermediateAddress start, ulong frames)
    {
        Hardware.DataBarrierStores();
        Hardware.InvalidateStageTwo(_vttbr, start, frames);
        Hardware.DataBarrier();
        CpuCounters.Current.TlbInvalidations++;
    }

    private static void WriteNew(PhysicalAddress table, int index, Descriptor descriptor)
    {
        if (Read(table, index).IsValid)
        {
            Hardware.Panic("stage-2 entry in use"u8);
        }

        Hardware.WriteEntry(table, index, descriptor.Value);
    }

    private static void CheckEmpty(PhysicalAddress pages)
    {
        for (int i = 0; i < Entries; i++)
        {
            if (Hardware.ReadEntry(pages, i) != 0)
            {
                Hardware.Panic("stage-2 entry in use"u8);
            }
        }
    }

    private static Descriptor Read(PhysicalAddress table, int index) => new(Hardware.ReadEntry(table, index));

    // Frames from an IPA to the end of its 2 MiB block, or of the range.
    private static ulong Piece(IntermediateAddress at, ulong frames)
    {
        ulong toEnd = FrameNumber.PerBlock - (ulong)IndexThree(at);
        return frames < toEnd ? frames : toEnd;
    }

    private static IntermediateAddress Align(IntermediateAddress at) => new(at.Value & ~((FrameNumber.PerBlock << FrameNumber.Shift) - 1));

    private static int IndexOne(IntermediateAddress at) => (int)(at.Value >> 30) & (RootEntries - 1);

    private static int IndexTwo(IntermediateAddress at) => (int)(at.Value >> 21) & (Entries - 1);

    private static int IndexThree(IntermediateAddress at) => (int)(at.Value >> FrameNumber.Shift) & (Entries - 1);
}
