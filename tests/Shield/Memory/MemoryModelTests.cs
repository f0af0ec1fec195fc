using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>
/// Random sequences of calls, forks, exits and accesses against <see cref="ModelSpace"/>; after every step all invariants, after the last
/// one every page's content, and that nothing is left when all processes are gone.
/// </summary>
public sealed class MemoryModelTests : MemoryTest
{
    private const int MostSpaces = 4;

    /// <summary>Pages in which fixed mappings are made; a last-level table ends in the middle.</summary>
    private const ulong WindowPages = 96;
    private const ulong Window = (Base + (2UL << 20) >> 12) - 48;
    private const ulong HeapStart = (Base >> 12) + (1UL << 18);

    private readonly List<(Handle<AddressSpace> Space, ModelSpace Model)> _spaces = [];
    private SimulatedFile[] _files = [];
    private ModelStore[] _stores = [];
    private ulong[] _descriptors = [];
    private int _current;

    private ModelSpace Model => _spaces[_current].Model;

    private static Gen<(int Kind, int Page, int Count, int Choice, int Value)[]> Sequences =>
        Gen.Select(Gen.Int[0, 19], Gen.Int[0, (int)WindowPages - 1], Gen.Int[1, 24], Gen.Int[0, 63], Gen.Int[1, int.MaxValue]).Array[1, 70];

    [Fact]
    public void Every_sequence_is_as_the_model() => Sequences.Sample(RunTwice, iter: 150, threads: 1);

    [Fact]
    public void With_little_memory_what_succeeds_is_as_the_model() => Sequences.Sample(RunShort, iter: 80, threads: 1);

    /// <summary>The second run finds the pools grown: it must leave exactly as many frames as it found.</summary>
    private void RunTwice((int Kind, int Page, int Count, int Choice, int Value)[] steps)
    {
        Machine = MemoryMachine.Start(chunks: 8);
        Begin();
        int used = 0;
        for (int round = 0; round < 2; round++)
        {
            foreach ((int kind, int page, int count, int choice, int value) in steps)
            {
                Step(kind, (ulong)page, (ulong)count, choice, (ulong)value);
                MemoryInvariants.Check([.. _spaces.Select(s => s.Space)]);
            }
            CompareAll();
            End();
            int now = Frames.OwnedCount - Frames.FreeCount;
            if (round == 1)
                Assert.Equal(used, now);
            used = now;
        }
    }

    /// <summary>Everything may fail with ENOMEM or SIGKILL at any place: then the books must still be right, and nothing may leak.</summary>
    private void RunShort((int Kind, int Page, int Count, int Choice, int Value)[] steps)
    {
        Machine = MemoryMachine.Start(chunks: 1);
        Begin();
        Machine.RefuseGrants = true;
        List<FrameAddress> taken = [];
        while (Frames.FreeCount > 60 && Frames.TryAllocate(out FrameAddress frame))
            taken.Add(frame);
        int used = 0;
        for (int round = 0; round < 3; round++)
        {
            foreach ((int kind, int page, int count, int choice, int value) in steps)
            {
                if (kind == 19 && Frames.TryAllocate(out FrameAddress frame))
                    taken.Add(frame);
                else
                    StepWithoutModel(kind, (ulong)page, (ulong)count, choice, (ulong)value);
                MemoryInvariants.Check([.. _spaces.Select(s => s.Space)]);
            }
            End();
            int now = Frames.OwnedCount - Frames.FreeCount - taken.Count;
            if (round == 2)
                Assert.InRange(now - used, 0, 2);
            used = now;
        }
    }

    private void Begin()
    {
        _spaces.Clear();
        _current = 0;
        _files = [new SimulatedFile(11, Numbered(20)), new SimulatedFile(12, Numbered(7))];
        _stores = [.. _files.Select(f => new ModelStore((ulong)f.Content.Length >> 12, 0xF11E_0000_0000))];
        _descriptors = [.. _files.Select(f => Machine.Open(f, write: true))];
        AddSpace(Machine.Space);
    }

    private void AddSpace(Handle<AddressSpace> space)
    {
        Pool<AddressSpace>.Get(space).HeapStart = HeapStart << 12;
        Pool<AddressSpace>.Get(space).Heap = HeapStart << 12;
        _spaces.Add((space, new ModelSpace { Heap = HeapStart }));
    }

    private void End()
    {
        foreach ((Handle<AddressSpace> space, _) in _spaces)
            AddressSpaces.Release(space);
        _spaces.Clear();
        Assert.Equal(0, Areas.Count);
        Assert.Equal(0, Pool<AddressSpace>.Count);
        PageCache.CleanAll(ref Machine.Thread, unmappedOnly: true);
        Assert.Equal(0, ObjectPages.DirtyTotal);
        foreach ((SimulatedFile file, ModelStore store) in _files.Zip(_stores))
        {
            for (ulong page = 0; Machine.RefuseGrants is false && page < store.Size; page++)
            {
                Assert.Equal(store.Page(page)[0], BinaryPrimitives.ReadUInt64LittleEndian(file.Content.AsSpan((int)page * 4096)));
                Assert.Equal(store.Page(page)[1], BinaryPrimitives.ReadUInt64LittleEndian(file.Content.AsSpan(((int)page * 4096) + 4088)));
            }
        }
        _ = PageCache.Shrink(int.MaxValue);
        PageCache.Trim(ref Machine.Thread);
        Assert.Equal(0, Pool<MemoryObject>.Count);
        if (AddressSpaces.TryCreate(out Handle<AddressSpace> next))
        {
            Machine.Space = next;
            _current = 0;
            AddSpace(next);
        }
    }

    private void Step(int kind, ulong page, ulong count, int choice, ulong value)
    {
        page = Pick(page, choice);
        switch (kind)
        {
            case <= 4:
                StepMap(page, count, kind, choice, value);
                break;
            case 5:
                Assert.Equal(0, Call(MemoryCalls.Munmap, page << 12, count << 12));
                for (ulong i = 0; i < count; i++)
                    _ = Model.Pages.Remove(page + i);
                break;
            case 6 or 7:
                StepProtect(page, count, (Protection)(choice & 7));
                break;
            case 8:
                StepRemap(page, count, choice, value);
                break;
            case 9:
                StepDontNeed(page, count);
                break;
            case 10 when _spaces.Count < MostSpaces:
                Assert.True(Frames.Reserve(ref Machine.Thread, AddressSpaces.ForkFrames(ref Machine.Thread)));
                _spaces.Add((Fork(), Model.Fork()));
                break;
            case 11 when _spaces.Count > 1:
                AddressSpaces.Release(Machine.Space);
                _spaces.RemoveAt(_current);
                _current = 0;
                Machine.Space = _spaces[0].Space;
                break;
            case 12:
                StepHeap((ulong)choice);
                break;
            case 13:
                Assert.True(Call(MemoryCalls.Msync, page << 12, count << 12, 4UL) is 0 or -Errno.ENOMEM);
                break;
            case >= 14 and <= 16:
                Store(page, choice & 1, value, byCall: (choice & 2) != 0);
                break;
            case 17 or 18:
                Compare(page, choice & 1, byCall: (choice & 2) != 0);
                break;
            default:
                _current = choice % _spaces.Count;
                Machine.Space = _spaces[_current].Space;
                break;
        }
    }

    /// <summary>A page of the window, or one that is mapped anywhere.</summary>
    private ulong Pick(ulong page, int choice) =>
        (choice & 0x30) == 0x30 && Model.Pages.Count > 0 ? Model.Pages.Keys.ElementAt((int)page % Model.Pages.Count) : Window + page;

    private void StepMap(ulong page, ulong count, int kind, int choice, ulong value)
    {
        bool isFixed = (choice & 8) == 0;
        bool shared = kind is 1 or 3;
        bool file = kind >= 2 && kind < 4;
        int which = (int)(value & 1);
        ulong offset = file ? (value >> 1) % 10 : 0;
        ulong flags = (shared ? 1UL : 2UL) | (file ? 0 : 0x20UL) | (isFixed ? Fixed : 0) | (kind == 4 ? 0x8000UL : 0);
        Protection protection = kind == 4 ? Protection.Read | Protection.Write : (Protection)(choice & 7);
        ulong expected = isFixed ? page : Model.Place(count, Top);
        long result = Call(
            MemoryCalls.Mmap, isFixed ? page << 12 : 0, count << 12, (ulong)protection, flags, file ? _descriptors[which] : ulong.MaxValue, offset << 12);
        Assert.Equal((long)(expected << 12), result);
        ModelStore? store = file ? _stores[which] : shared ? new ModelStore(count, 0) : null;
        for (ulong i = 0; i < count; i++)
            Model.Pages[expected + i] = new ModelPage { Protection = protection, Shared = shared, Store = store, Index = offset + i };
    }

    private void StepProtect(ulong page, ulong count, Protection protection)
    {
        long expected = 0;
        for (ulong i = 0; i < count && expected == 0; i++)
        {
            if (Model.Pages.TryGetValue(page + i, out ModelPage? content))
                content.Protection = protection;
            else
                expected = -Errno.ENOMEM;
        }
        Assert.Equal(expected, Call(MemoryCalls.Mprotect, page << 12, count << 12, (ulong)protection));
    }

    private void StepDontNeed(ulong page, ulong count)
    {
        long expected = 0;
        for (ulong i = 0; i < count; i++)
        {
            if (!Model.Pages.TryGetValue(page + i, out ModelPage? content))
                expected = -Errno.ENOMEM;
            else if (!content.Shared)
                content.Own = null;
        }
        Assert.Equal(expected, Call(MemoryCalls.Madvise, page << 12, count << 12, 4UL));
    }

    private void StepHeap(ulong pages)
    {
        ulong border = HeapStart + pages;
        bool blocked = border > Model.Heap && !Model.IsFree(Model.Heap, border + 1 - Model.Heap);
        Assert.Equal((long)((blocked ? Model.Heap : border) << 12), Call(MemoryCalls.Brk, border << 12));
        if (blocked)
            return;
        for (ulong at = border; at < Model.Heap; at++)
            _ = Model.Pages.Remove(at);
        for (ulong at = Model.Heap; at < border; at++)
            Model.Pages[at] = new ModelPage { Protection = Protection.Read | Protection.Write };
        Model.Heap = border;
    }

    private void StepRemap(ulong page, ulong count, int choice, ulong value)
    {
        int index = Pool<AddressSpace>.Get(Machine.Space).AreaAt(page << 12);
        if (index == 0)
        {
            Assert.Equal(-Errno.EFAULT, Call(MemoryCalls.Mremap, page << 12, 4096UL, count << 12, 1UL, 0UL));
            return;
        }
        ulong toEnd = (Areas.At(index).End >> 12) - page;
        if (page < HeapStart + 64 && page + toEnd > HeapStart)
            return; // Moving the heap away is legal, but the model of brk would have to follow.
        ulong old = Math.Min(1 + (value % 24), toEnd);
        ulong target = Window + ((value >> 8) % WindowPages);
        bool isFixed = (choice & 4) != 0;
        bool mayMove = isFixed || (choice & 8) != 0;
        long result = Call(MemoryCalls.Mremap, page << 12, old << 12, count << 12, (mayMove ? 1UL : 0) | (isFixed ? 2UL : 0), target << 12);

        ulong to = page;
        if (isFixed)
        {
            if (page + old > target && target + count > page)
            {
                Assert.Equal(-Errno.EINVAL, result);
                return;
            }
            for (ulong i = 0; i < count; i++)
                _ = Model.Pages.Remove(target + i);
            to = target;
        }
        else if (count > old && !(old == toEnd && Model.IsFree(page + old, count - old)))
        {
            if (!mayMove)
            {
                Assert.Equal(-Errno.ENOMEM, result);
                return;
            }
            to = Model.Place(count, Top);
        }
        Assert.Equal((long)(to << 12), result);
        ModelPage last = Model.Pages[page];
        List<ModelPage> moved = [];
        for (ulong i = 0; i < old; i++)
        {
            moved.Add(Model.Pages[page + i]);
            _ = Model.Pages.Remove(page + i);
        }
        for (ulong i = 0; i < count; i++)
        {
            Model.Pages[to + i] = i < old
                ? moved[(int)i]
                : new ModelPage { Protection = last.Protection, Shared = last.Shared, Store = last.Store, Index = last.Index + i };
        }
    }

    private void Store(ulong page, int word, ulong value, bool byCall)
    {
        ulong address = (page << 12) + ((ulong)word * 4088);
        int expected = Model.Pages.TryGetValue(page, out ModelPage? content) ? content.Outcome(UserAccess.Write) : 11_001;
        if (byCall)
            Assert.Equal(expected == 0, UserMemory.TryWrite(ref Machine.Thread, address, value));
        else
            Assert.Equal(expected, Store(address, value));
        if (expected == 0)
            content!.StoreWord(word, value);
    }

    private void Compare(ulong page, int word, bool byCall)
    {
        ulong address = (page << 12) + ((ulong)word * 4088);
        int expected = Model.Pages.TryGetValue(page, out ModelPage? content) ? content.Outcome(UserAccess.Read) : 11_001;
        if (byCall)
        {
            Assert.Equal(expected == 0, UserMemory.TryRead(ref Machine.Thread, address, out ulong read));
            if (expected == 0)
                Assert.Equal(content!.Load(word), read);
            return;
        }
        Assert.Equal(expected, Touch(address, UserAccess.Read, out Span<byte> bytes));
        if (expected == 0)
            Assert.Equal(content!.Load(word), BinaryPrimitives.ReadUInt64LittleEndian(bytes));
    }

    private void CompareAll()
    {
        for (_current = 0; _current < _spaces.Count; _current++)
        {
            Machine.Space = _spaces[_current].Space;
            Assert.Equal((ulong)Model.Pages.Count, Pool<AddressSpace>.Get(Machine.Space).TotalPages);
            foreach (ulong page in Model.Pages.Keys)
            {
                Compare(page, 0, byCall: false);
                Compare(page, 1, byCall: true);
            }
        }
        _current = 0;
    }

    private void StepWithoutModel(int kind, ulong page, ulong count, int choice, ulong value)
    {
        if (_spaces.Count == 0)
            return;
        page += Window;
        ulong protection = (ulong)choice & 7;
        switch (kind)
        {
            case <= 3:
                ulong flags = (kind is 1 or 3 ? 1UL : 2UL) | (kind < 2 ? 0x20UL : 0) | Fixed;
                _ = Call(MemoryCalls.Mmap, page << 12, count << 12, protection | 3, flags, kind < 2 ? ulong.MaxValue : _descriptors[value & 1], 0UL);
                break;
            case 4:
                _ = Call(MemoryCalls.Munmap, page << 12, count << 12);
                break;
            case 5:
                _ = Call(MemoryCalls.Mprotect, page << 12, count << 12, protection);
                break;
            case 6 or 7:
                _ = Call(MemoryCalls.Mremap, page << 12, (value % 20) << 12, count << 12, 1UL, 0UL);
                break;
            case 8 or 9 when _spaces.Count < MostSpaces:
                if (AddressSpaces.TryFork(ref Machine.Thread, out Handle<AddressSpace> child))
                    _spaces.Add((child, new ModelSpace()));
                break;
            case 10 when _spaces.Count > 1:
                AddressSpaces.Release(Machine.Space);
                _spaces.RemoveAt(_current);
                _current = 0;
                Machine.Space = _spaces[0].Space;
                break;
            case 11:
                _ = Call(MemoryCalls.Brk, (HeapStart + (ulong)choice) << 12);
                break;
            case 12:
                _current = choice % _spaces.Count;
                Machine.Space = _spaces[_current].Space;
                break;
            default:
                for (ulong i = 0; i < count; i++)
                    _ = Touch((page + i) << 12, choice % 3 == 0 ? UserAccess.Read : UserAccess.Write, out _);
                break;
        }
    }

    private ulong Top => Pool<AddressSpace>.Get(Machine.Space).MapBase >> 12;
}
