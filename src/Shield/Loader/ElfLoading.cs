namespace BlackBox.Shield;

/// <summary>Maps the segments of a verified ELF file into an address space (Linux: fs/binfmt_elf.c).</summary>
internal static class ElfLoading
{
    /// <summary>Frames that mapping may need at once: tables and areas.</summary>
    private const int WorkFrames = 16;

    /// <summary>
    /// Maps all segments; <paramref name="bias"/> is added to every address. <paramref name="base"/>: where a position-independent
    /// file goes, 0 = the highest hole below the mmap base. Returns 0 or -errno. May call the OS.
    /// </summary>
    public static long Map(ref Thread thread, Handle<AddressSpace> space, Handle<MemoryObject> file, in ElfProgram program, ulong @base, out ulong bias)
    {
        bias = 0;
        if (program.IsPositionIndependent)
        {
            // Room for the alignment, which is at least a page.
            ulong length = program.High - program.Low + program.Alignment - UserLayout.PageBytes;
            MapRequest reservation = new() { Address = @base, Length = length, Fixed = @base != 0 };
            long place = Mapping.Place(ref Pool<AddressSpace>.Get(space), in reservation);
            if (place < 0)
            {
                return place;
            }

            ulong low = program.Low & (program.Alignment - 1);
            bias = (((ulong)place - low + program.Alignment - 1) & ~(program.Alignment - 1)) + low - program.Low;
        }

        FrameAddress first = default;
        for (int i = 0; i < program.SegmentCount; i++)
        {
            // The page may have been dropped from the cache while the OS was called.
            long result = FirstPage(ref thread, file, out first);
            if (result < 0)
            {
                return result;
            }

            ElfSegment segment = program.Segment(Frames.Bytes(first), i);
            if (segment.Type == ElfSegment.Load)
            {
                result = MapSegment(ref thread, space, file, segment, bias);
                if (result < 0)
                {
                    return result;
                }
            }
        }

        return 0;
    }

    /// <summary>The first page of a file, brought into the cache if needed. It may go again when the lock is dropped.</summary>
    public static long FirstPage(ref Thread thread, Handle<MemoryObject> file, out FrameAddress frame)
    {
        const int Rounds = 4;
        for (int i = 0; i < Rounds; i++)
        {
            ulong entry = ObjectPages.Get(ref Pool<MemoryObject>.Get(file), 0);
            if (entry != 0)
            {
                frame = ObjectPages.Frame(entry);
                return 0;
            }

            long result = PageCache.Fill(ref thread, file, 0);
            if (result < 0)
            {
                frame = default;
                return result;
            }
        }

        frame = default;
        return -Errno.EIO;
    }

    private static long MapSegment(ref Thread thread, Handle<AddressSpace> space, Handle<MemoryObject> file, in ElfSegment segment, ulong bias)
    {
        if (!Frames.Reserve(ref thread, WorkFrames))
        {
            return -Errno.ENOMEM;
        }

        ulong start = UserLayout.PageFloor(segment.Address) + bias;
        ulong fileEnd = segment.Address + segment.FileBytes + bias;
        ulong mappedEnd = UserLayout.PageCeiling(fileEnd);
        ulong end = UserLayout.PageCeiling(segment.Address + segment.MemoryBytes + bias);
        Protection protection = segment.Protection;
        if (!CodePolicy.MayExecute(file, protection))
        {
            return -Errno.EACCES;
        }

        if (segment.FileBytes != 0)
        {
            MapRequest request = new()
            {
                Address = start,
                Length = mappedEnd - start,
                Fixed = true,
                Protection = protection,
                Maximum = CodePolicy.Limit(file, protection, Protection.All),
                Object = file,
                Page = UserLayout.PageFloor(segment.Offset) >> UserLayout.PageShift,
            };
            long place = Mapping.Map(space, in request);
            if (place < 0)
            {
                return place;
            }
        }
        else
        {
            mappedEnd = start;
        }

        if (end > mappedEnd)
        {
            MapRequest request = new()
            {
                Address = mappedEnd,
                Length = end - mappedEnd,
                Fixed = true,
                Protection = protection & ~Protection.Execute,
                Maximum = CodePolicy.Limit(default, protection & ~Protection.Execute, Protection.All),
            };
            long place = Mapping.Map(space, in request);
            if (place < 0)
            {
                return place;
            }
        }

        // The rest of the last file page belongs to .bss.
        if (segment.MemoryBytes > segment.FileBytes && segment.FileBytes != 0 && (protection & Protection.Write) != 0
            && !SpaceMemory.TryClearRest(ref thread, space, fileEnd))
        {
            return -Errno.ENOMEM;
        }

        return 0;
    }
}
