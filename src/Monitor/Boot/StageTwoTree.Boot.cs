namespace BlackBox.Monitor;

public readonly ref partial struct StageTwoTree
{
    /// <summary>Boot only: maps a range, with 1 GiB blocks where both addresses allow it.</summary>
    /// <param name="canSplit">parts may be unmapped later: each 2 MiB block is promised a table</param>
    public void MapLarge(IntermediateAddress start, FrameRange range, ulong attributes, bool canSplit)
    {
        for (ulong done = 0; done < range.Count;)
        {
            IntermediateAddress at = start + (done << FrameNumber.Shift);
            FrameNumber frame = range.First + done;
            ulong piece = Piece(at, range.Count - done);
            if (range.Count - done >= FramesPerGigabyte && at.Value % (1UL << 30) == 0 && frame.Value % FramesPerGigabyte == 0)
            {
                piece = FramesPerGigabyte;
                WriteNew(Root, IndexOne(at), Descriptor.Block(frame.Address, attributes));
            }
            else if (!canSplit && piece == FrameNumber.PerBlock && frame.Value % FrameNumber.PerBlock == 0)
            {
                WriteNew(NextTable(Root, IndexOne(at)), IndexTwo(at), Descriptor.Block(frame.Address, attributes));
            }
            else
            {
                MapPiece(at, range.Slice(done, piece), attributes);
            }

            done += piece;
        }

        Hardware.DataBarrierStores();
    }
}
