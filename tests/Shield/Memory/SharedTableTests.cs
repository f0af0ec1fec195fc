using System;
using System.Collections.Generic;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>Last-level tables that a fork leaves shared.</summary>
public sealed class SharedTableTests : MemoryTest
{
    private const ulong TablePages = 512;
    private const ulong TableBytes = TablePages * PageBytes;

    private bool IsShared(Handle<AddressSpace> space, ulong address)
    {
        ref ulong slot = ref PageTables.FindSlot(Pool<AddressSpace>.Get(space).Root, address, out bool exists);
        return exists && SharedTables.IsShared(slot);
    }

    [Fact]
    public void A_fork_shares_whole_tables_and_takes_no_frames_for_them()
    {
        _ = Map(Base, 4 * TablePages);
        for (ulong i = 0; i < 4 * TablePages; i += 8)
            Assert.Equal(0, Store(Base + (i * PageBytes), i));
        int before = Frames.FreeCount;
        Handle<AddressSpace> parent = Machine.Space;
        Handle<AddressSpace> child = Fork();

        // The root, two upper tables; no last-level one.
        Assert.InRange(before - Frames.FreeCount, 3, 4);
        Assert.True(IsShared(parent, Base) && IsShared(child, Base + (3 * TableBytes)));
        MemoryInvariants.Check(parent, child);
        AddressSpaces.Release(child);
        MemoryInvariants.Check(parent);

        // The last user takes the table back without copying.
        before = Frames.FreeCount;
        Assert.Equal(0, Store(Base + PageBytes * 8, 77));
        Assert.Equal(before, Frames.FreeCount);
        Assert.False(IsShared(parent, Base));
        Assert.Equal(77UL, Load(Base + PageBytes * 8));
        Assert.Equal(16UL, Load(Base + PageBytes * 16));
        MemoryInvariants.Check(parent);
    }

    [Fact]
    public void A_store_of_either_side_is_seen_by_that_side_only()
    {
        _ = Map(Base, 2 * TablePages);
        for (ulong i = 0; i < 2 * TablePages; i += 4)
            Assert.Equal(0, Store(Base + (i * PageBytes), i + 1));
        Handle<AddressSpace> parent = Machine.Space;
        Handle<AddressSpace> child = Fork();
        Machine.Space = child;
        Assert.Equal(1UL, Load(Base));
        Assert.True(IsShared(child, Base));
        Assert.Equal(0, Store(Base, 500));
        Assert.False(IsShared(child, Base));
        MemoryInvariants.Check(parent, child);
        Assert.Equal(0, Store(Base + (3 * PageBytes), 501));
        Machine.Space = parent;
        Assert.Equal(1UL, Load(Base));
        Assert.Equal(0UL, Load(Base + (3 * PageBytes)));
        Assert.Equal(0, Store(Base + (4 * PageBytes), 502));
        MemoryInvariants.Check(parent, child);
        Machine.Space = child;
        Assert.Equal(5UL, Load(Base + (4 * PageBytes)));
        Assert.Equal(500UL, Load(Base));
        AddressSpaces.Release(parent);
        MemoryInvariants.Check(child);
        Machine.Space = child;
        Assert.Equal(0, Store(Base + TableBytes, 503));
        MemoryInvariants.Check(child);
    }

    [Fact]
    public void Calls_of_the_shield_write_to_a_copy_too()
    {
        _ = Map(Base, TablePages);
        Assert.Equal(0, Store(Base, 1));
        Handle<AddressSpace> parent = Machine.Space;
        Handle<AddressSpace> child = Fork();
        Machine.Space = child;
        Assert.True(UserMemory.TryWrite(ref Machine.Thread, Base, 9UL));
        Assert.Equal(9UL, Load(Base));
        Machine.Space = parent;
        Assert.True(UserMemory.TryRead(ref Machine.Thread, Base, out ulong value));
        Assert.Equal(1UL, value);
        MemoryInvariants.Check(parent, child);
    }

    /// <summary>
    /// Random calls and accesses over four tables in up to five spaces, against what each space's pages must hold.
    /// </summary>
    [Fact]
    public void Every_sequence_over_shared_tables_is_as_the_model() =>
        Gen.Select(Gen.Int[0, 11], Gen.Int[0, 2047], Gen.Int[0, 1200], Gen.Int[1, int.MaxValue]).Array[1, 60].Sample(Run, iter: 60, threads: 1);

    private void Run((int Kind, int Page, int Count, int Value)[] steps)
    {
        Machine = MemoryMachine.Start(chunks: 48);
        List<(Handle<AddressSpace> Space, Dictionary<ulong, (bool Write, ulong Value)> Pages)> spaces = [(Machine.Space, [])];
        _ = Map(Base, 2048);
        for (ulong i = 0; i < 2048; i++)
            spaces[0].Pages[i] = (true, 0);
        int current = 0;
        foreach ((int kind, int pageNumber, int countNumber, int value) in steps)
        {
            ulong page = (ulong)pageNumber;
            ulong count = Math.Min((ulong)countNumber + 1, 2048 - page);
            if (value % 3 == 0)
            {
                // Whole tables, which stay shared or go as a whole.
                page &= ~511UL;
                count = Math.Min((count + 511) & ~511UL, 2048 - page);
            }
            ulong address = Base + (page * PageBytes);
            Dictionary<ulong, (bool Write, ulong Value)> model = spaces[current].Pages;
            switch (kind)
            {
                case <= 2:
                    for (ulong i = page; i < page + count; i += 1 + (ulong)(value % 40))
                    {
                        int result = Store(Base + (i * PageBytes), (ulong)value + i);
                        bool mapped = model.TryGetValue(i, out (bool Write, ulong Value) now);
                        Assert.Equal(!mapped ? 11_001 : !now.Write ? 11_002 : 0, result);
                        if (result == 0)
                            model[i] = (true, (ulong)value + i);
                    }
                    break;
                case <= 5 when spaces.Count < 5:
                    Assert.True(Frames.Reserve(ref Machine.Thread, AddressSpaces.ForkFrames(ref Machine.Thread)));
                    spaces.Add((Fork(), new(model)));
                    break;
                case 6:
                    Assert.Equal(0, Call(MemoryCalls.Munmap, address, count * PageBytes));
                    for (ulong i = page; i < page + count; i++)
                        _ = model.Remove(i);
                    break;
                case 7:
                    _ = Call(MemoryCalls.Madvise, address, count * PageBytes, 4UL);
                    for (ulong i = page; i < page + count; i++)
                    {
                        if (model.TryGetValue(i, out (bool Write, ulong Value) now))
                            model[i] = (now.Write, 0);
                    }
                    break;
                case 8:
                    bool write = value % 2 == 0;
                    long done = Call(MemoryCalls.Mprotect, address, count * PageBytes, write ? ReadWrite : ReadOnly);
                    Assert.True(done is 0 or -Errno.ENOMEM);
                    for (ulong i = page; i < page + count && model.TryGetValue(i, out (bool Write, ulong Value) now); i++)
                        model[i] = (write, now.Value);
                    break;
                case 9:
                    _ = Map(address, count);
                    for (ulong i = page; i < page + count; i++)
                        model[i] = (true, 0);
                    break;
                case 10 when spaces.Count > 1:
                    AddressSpaces.Release(spaces[current].Space);
                    spaces.RemoveAt(current);
                    break;
                case 11:
                    MoveAndBack(page, count);
                    break;
                default:
                    current = value;
                    break;
            }
            current %= spaces.Count;
            Machine.Space = spaces[current].Space;
            MemoryInvariants.Check([.. spaces.ConvertAll(s => s.Space)]);
        }
        foreach ((Handle<AddressSpace> space, Dictionary<ulong, (bool Write, ulong Value)> pages) in spaces)
        {
            Machine.Space = space;
            for (ulong i = 0; i < 2048; i++)
            {
                if (pages.TryGetValue(i, out (bool Write, ulong Value) page))
                    Assert.Equal(page.Value, Load(Base + (i * PageBytes)));
                else
                    Assert.Equal(11_001, Touch(Base + (i * PageBytes), UserAccess.Read, out _));
            }
        }
        foreach ((Handle<AddressSpace> space, _) in spaces)
            AddressSpaces.Release(space);
        Assert.Equal(0, Areas.Count);
        Assert.Equal(0, Pool<AddressSpace>.Count);
    }

    /// <summary>mremap to another place and back, if the range is one area.</summary>
    private void MoveAndBack(ulong page, ulong count)
    {
        ulong address = Base + (page * PageBytes);
        ulong other = Base + (1UL << 32) + PageBytes;
        if (Call(MemoryCalls.Mremap, address, count * PageBytes, count * PageBytes, 3UL, other) == (long)other)
        {
            Assert.Equal((long)address, Call(MemoryCalls.Mremap, other, count * PageBytes, count * PageBytes, 3UL, address));
        }
    }
}
