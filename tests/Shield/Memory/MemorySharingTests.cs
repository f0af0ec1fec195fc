using System;
using System.Buffers.Binary;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>Copy-on-write, shared objects and files.</summary>
public sealed class MemorySharingTests : MemoryTest
{
    private const ulong FilePrivate = 0x2;
    private const ulong FileShared = 0x1;

    [Fact]
    public void Fork_isolates_private_memory_and_keeps_shared_memory_shared()
    {
        _ = Map(Base, 4);
        _ = Map(Base + (8 * PageBytes), 2, ReadWrite, Shared | Fixed);
        for (ulong i = 0; i < 3; i++)
            Assert.Equal(0, Store(Base + (i * PageBytes), i + 1));
        Assert.Equal(0, Store(Base + (8 * PageBytes), 50));
        Handle<AddressSpace> parent = Machine.Space;
        Handle<AddressSpace> child = Fork();
        MemoryInvariants.Check(parent, child);

        Assert.Equal(0, Store(Base, 100));
        Assert.Equal(0, Store(Base + (9 * PageBytes), 51));
        Machine.Space = child;
        Assert.Equal(1UL, Load(Base));
        Assert.Equal(0, Store(Base + PageBytes, 200));
        Assert.Equal(51UL, Load(Base + (9 * PageBytes)));
        Assert.Equal(0, Store(Base + (8 * PageBytes), 52));
        MemoryInvariants.Check(parent, child);
        Machine.Space = parent;
        Assert.Equal(100UL, Load(Base));
        Assert.Equal(2UL, Load(Base + PageBytes));
        Assert.Equal(52UL, Load(Base + (8 * PageBytes)));

        AddressSpaces.Release(child);
        int before = Frames.FreeCount;
        Assert.Equal(0, Store(Base + (2 * PageBytes), 300));
        Assert.Equal(before, Frames.FreeCount);
        MemoryInvariants.Check(parent);
    }

    [Fact]
    public void Advice_for_forks_is_kept()
    {
        _ = Map(Base, 1);
        _ = Map(Base + (2 * PageBytes), 1);
        Assert.Equal(0, Store(Base, 1));
        Assert.Equal(0, Store(Base + (2 * PageBytes), 2));
        Assert.Equal(0, Call(MemoryCalls.Madvise, Base, PageBytes, 10UL));
        Assert.Equal(0, Call(MemoryCalls.Madvise, Base + (2 * PageBytes), PageBytes, 18UL));
        Handle<AddressSpace> parent = Machine.Space;
        Handle<AddressSpace> child = Fork();
        Machine.Space = child;
        Assert.Equal(11_001, Touch(Base, UserAccess.Read, out _));
        Assert.Equal(0UL, Load(Base + (2 * PageBytes)));
        MemoryInvariants.Check(parent, child);
        Machine.Space = parent;
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Madvise, Map(Base + (4 * PageBytes), 1, ReadWrite, Shared | Fixed), PageBytes, 18UL));
    }

    [Fact]
    public void A_zero_page_is_never_stored_to()
    {
        _ = Map(Base, 2);
        Assert.Equal(0UL, Load(Base));
        Assert.Equal(0UL, Load(Base + PageBytes));
        Assert.Equal(0, Store(Base, 9));
        Assert.Equal(0UL, Load(Base + PageBytes));
        Assert.Equal(0UL, BinaryPrimitives.ReadUInt64LittleEndian(Frames.Bytes(SharedFrames.Zero)));
        MemoryInvariants.Check(Machine.Space);
    }

    [Fact]
    public void Private_file_pages_are_read_once_shared_and_copied_on_store()
    {
        SimulatedFile file = new(42, Numbered(40));
        ulong descriptor = Machine.Open(file);
        _ = Map(Base, 40, ReadWrite, FilePrivate | Fixed, descriptor);
        _ = Map(Base + (64 * PageBytes), 4, ReadWrite, FilePrivate | Fixed, descriptor, 2 * PageBytes);
        Assert.Equal(1, file.Pins);
        for (ulong i = 0; i < 40; i++)
            Assert.Equal(0xF11E_0000_0000 + (i * PageBytes), Load(Base + (i * PageBytes)));
        Assert.InRange(file.Reads, 3, 8);
        int reads = file.Reads;
        Assert.Equal(0xF11E_0000_0000 + (2 * PageBytes), Load(Base + (64 * PageBytes)));
        Assert.Equal(0, Store(Base + (64 * PageBytes), 1));
        Assert.Equal(0xF11E_0000_0000 + (2 * PageBytes), Load(Base + (2 * PageBytes)));
        Assert.Equal(reads, file.Reads);
        Handle<AddressSpace> parent = Machine.Space;
        Handle<AddressSpace> child = Fork();
        Machine.Space = child;
        Assert.Equal(1UL, Load(Base + (64 * PageBytes)));
        Assert.Equal(0, Store(Base + (64 * PageBytes), 2));
        MemoryInvariants.Check(parent, child);
        Assert.Equal(Numbered(40), file.Content);
    }

    [Fact]
    public void The_end_of_a_file_is_zeros_then_sigbus()
    {
        SimulatedFile file = new(42, Numbered(1)[..100]);
        ulong descriptor = Machine.Open(file);
        _ = Map(Base, 2, ReadOnly, FilePrivate | Fixed, descriptor);
        Assert.Equal(0xF11E_0000_0000UL + 88, Load(Base + 88));
        Assert.Equal(0UL, Load(Base + 104));
        Assert.Equal(7_002, Touch(Base + PageBytes, UserAccess.Read, out _));
    }

    [Fact]
    public void A_file_that_the_os_does_not_give_is_sigbus_and_leaks_nothing()
    {
        SimulatedFile file = new(42, Numbered(8));
        ulong descriptor = Machine.Open(file);
        _ = Map(Base, 8, ReadWrite, FilePrivate | Fixed, descriptor);
        Machine.FailServices = -Errno.EIO;
        int before = Frames.FreeCount;
        Assert.Equal(7_002, Touch(Base, UserAccess.Read, out _));
        Machine.FailServices = 1L << 40;
        Assert.Equal(7_002, Touch(Base, UserAccess.Write, out _));
        Assert.InRange(before - Frames.FreeCount, 0, 3);
        MemoryInvariants.Check(Machine.Space);
        Machine.FailServices = 0;
        Assert.Equal(0xF11E_0000_0000UL, Load(Base));
    }

    [Fact]
    public void What_changes_while_the_os_reads_is_looked_up_again()
    {
        SimulatedFile file = new(42, Numbered(8));
        ulong descriptor = Machine.Open(file);
        _ = Map(Base, 8, ReadWrite, FilePrivate | Fixed, descriptor);
        Machine.DuringService = service =>
        {
            Machine.DuringService = null;
            KernelLock.Acquire();
            Assert.Equal(0, Call(MemoryCalls.Munmap, Base, 8 * PageBytes));
            KernelLock.Release();
        };
        Assert.Equal(11_001, Touch(Base, UserAccess.Read, out _));
        MemoryInvariants.Check(Machine.Space);

        _ = Map(Base, 8, ReadWrite, FilePrivate | Fixed, descriptor, 4 * PageBytes);
        Machine.DuringService = service =>
        {
            // Another thread maps something else there, and brings the same page in.
            Machine.DuringService = null;
            KernelLock.Acquire();
            Assert.Equal(0xF11E_0000_0000UL + (4 * PageBytes), Load(Base));
            _ = Map(Base, 1, ReadOnly);
            KernelLock.Release();
        };
        Assert.Equal(0UL, Load(Base));
        MemoryInvariants.Check(Machine.Space);
    }

    [Fact]
    public void A_dying_task_unwinds()
    {
        SimulatedFile file = new(42, Numbered(8));
        _ = Map(Base, 8, ReadWrite, FilePrivate | Fixed, Machine.Open(file));
        Machine.Kill = true;
        Assert.False(AddressSpaces.TryResolve(ref Machine.Thread, Base, UserAccess.Read, out _));
        Assert.True(Machine.Thread.Dying);
        Assert.True(AddressSpaces.Fault(ref Machine.Thread, Base, UserAccess.Read).IsResolved);
        MemoryInvariants.Check(Machine.Space);
        AddressSpaces.Release(Machine.Space);
        Assert.Equal(0, Areas.Count);
    }

    [Fact]
    public void Stores_to_a_shared_file_reach_it_at_msync_and_at_the_last_unmapping()
    {
        SimulatedFile file = new(42, Numbered(4)[..(3 * 4096 + 100)]);
        ulong descriptor = Machine.Open(file, write: true);
        _ = Map(Base, 4, ReadWrite, FileShared | Fixed, descriptor);
        _ = Map(Base + (16 * PageBytes), 4, ReadWrite, FileShared | Fixed, descriptor);
        Assert.Equal(0xF11E_0000_0000UL, Load(Base));
        Assert.Equal(0, Store(Base, 1));
        Assert.Equal(0, Store(Base + (3 * PageBytes), 4));
        Assert.Equal(1UL, Load(Base + (16 * PageBytes)));
        MemoryInvariants.Check(Machine.Space);
        Assert.Equal(0xF11E_0000_0000UL, Word(file, 0));
        Assert.Equal(0, Call(MemoryCalls.Msync, Base, PageBytes, 4UL));
        Assert.Equal(1UL, Word(file, 0));
        Assert.NotEqual(4UL, Word(file, 3 * 4096));
        Assert.Equal(0, Store(Base, 2));
        MemoryInvariants.Check(Machine.Space);
        Assert.Equal(0, Call(MemoryCalls.Munmap, Base, 4 * PageBytes));
        Assert.Equal(1UL, Word(file, 0));
        Assert.Equal(0, Call(MemoryCalls.Munmap, Base + (16 * PageBytes), 4 * PageBytes));
        Assert.Equal(2UL, Word(file, 0));
        Assert.Equal(4UL, Word(file, 3 * 4096));
        Assert.Equal((3 * 4096) + 100, file.Content.Length);
        Assert.Equal(0, ObjectPages.DirtyTotal);
    }

    [Fact]
    public void A_store_during_write_back_is_written_later()
    {
        SimulatedFile file = new(42, Numbered(1));
        _ = Map(Base, 1, ReadWrite, FileShared | Fixed, Machine.Open(file, write: true));
        Assert.Equal(0, Store(Base, 1));
        Machine.DuringService = service =>
        {
            Machine.DuringService = null;
            KernelLock.Acquire();
            Assert.Equal(0, Store(Base, 2));
            KernelLock.Release();
        };
        Assert.Equal(0, Call(MemoryCalls.Msync, Base, PageBytes, 4UL));
        Assert.Equal(1UL, Word(file, 0));
        Assert.Equal(0, Call(MemoryCalls.Msync, Base, PageBytes, 4UL));
        Assert.Equal(2UL, Word(file, 0));
    }

    [Fact]
    public void A_failed_write_back_is_reported_and_kept()
    {
        SimulatedFile file = new(42, Numbered(1));
        _ = Map(Base, 1, ReadWrite, FileShared | Fixed, Machine.Open(file, write: true));
        Assert.Equal(0, Store(Base, 1));
        Machine.FailServices = -Errno.ENOSPC;
        Assert.Equal(-Errno.ENOSPC, Call(MemoryCalls.Msync, Base, PageBytes, 4UL));
        Machine.FailServices = 0;
        Assert.Equal(0, Call(MemoryCalls.Msync, Base, PageBytes, 4UL));
        Assert.Equal(1UL, Word(file, 0));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Msync, Base, PageBytes, 5UL));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Msync, Base + 1, PageBytes, 4UL));
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Msync, Base, 2 * PageBytes, 4UL));
    }

    [Fact]
    public void A_file_opened_again_after_a_change_is_read_again()
    {
        SimulatedFile file = new(42, Numbered(4));
        ulong descriptor = Machine.Open(file);
        ulong first = Map(0, 4, ReadOnly, FilePrivate, descriptor);
        _ = Load(first);
        Assert.Equal(0, Call(MemoryCalls.Munmap, first, 4 * PageBytes));
        BinaryPrimitives.WriteUInt64LittleEndian(file.Content, 77);
        Assert.Equal(0xF11E_0000_0000UL, Load(Map(0, 4, ReadOnly, FilePrivate, descriptor)));
        Assert.Equal(0, Call(MemoryCalls.Munmap, first, 4 * PageBytes));
        file.Modified++;
        Assert.Equal(77UL, Load(Map(0, 4, ReadOnly, FilePrivate, descriptor)));
        Assert.Equal(1, file.Pins);
    }

    [Fact]
    public void A_change_by_a_call_reaches_mappings_and_truncation_takes_pages_away()
    {
        SimulatedFile file = new(42, Numbered(4));
        ulong at = Map(0, 4, ReadOnly, FileShared, Machine.Open(file));
        _ = Load(at);
        Assert.True(PageCache.TryFind(new FileIdentity(FileSource.Clear, 7, 42), out Handle<MemoryObject> cached));
        BinaryPrimitives.WriteUInt64LittleEndian(file.Content, 78);
        PageCache.Changed(cached, 0, 8, (ulong)file.Content.Length);
        Assert.Equal(78UL, Load(at));
        file.Content = file.Content[..4096];
        PageCache.Changed(cached, 0, 0, 4096);
        Assert.Equal(7_002, Touch(at + PageBytes, UserAccess.Read, out _));
        MemoryInvariants.Check(Machine.Space);
    }

    [Fact]
    public void Clean_file_pages_give_way_to_memory_shortage()
    {
        Machine = MemoryMachine.Start(chunks: 1);
        SimulatedFile file = new(42, Numbered(300));
        ulong at = Map(0, 300, ReadOnly, FilePrivate, Machine.Open(file));
        for (ulong i = 0; i < 300; i++)
            _ = Load(at + (i * PageBytes));
        Assert.Equal(0, Call(MemoryCalls.Munmap, at, 300 * PageBytes));
        Machine.RefuseGrants = true;
        _ = Map(Base, 300);
        for (ulong i = 0; i < 300; i++)
            Assert.Equal(0, Store(Base + (i * PageBytes), i));
        MemoryInvariants.Check(Machine.Space);
    }

    /// <summary>write(2) of bytes that stand in the program's memory.</summary>
    private long Write(Handle<MemoryObject> memory, ulong position, ReadOnlySpan<byte> bytes)
    {
        ulong from = Map(0, 1, flags: Private);
        Assert.True(UserMemory.TryWrite(ref Machine.Thread, from, bytes));
        UserBytes range = UserBytes.Range(from, (ulong)bytes.Length);
        long result = ObjectTransfer.Write(ref Machine.Thread, memory, position, ref range);
        Assert.Equal(0, Call(MemoryCalls.Munmap, from, PageBytes));
        return result;
    }

    [Fact]
    public void A_shared_object_can_be_read_written_cut_and_sealed()
    {
        Assert.True(MemoryObjects.TryCreateShared(0, out Handle<MemoryObject> memory));
        Assert.Equal(6, Write(memory, 4094, "shared"u8));
        byte[] back = new byte[16];
        Assert.Equal(10, ObjectTransfer.Read(ref Machine.Thread, memory, 4090, back.AsSpan()));
        Assert.Equal("shared"u8.ToArray(), back[4..10]);
        MapRequest request = new() { Address = Base, Length = 2 * PageBytes, Fixed = true, Protection = Protection.Read | Protection.Write, Maximum = Protection.All, Flags = AreaFlags.Shared, Object = memory };
        Assert.Equal((long)Base, Mapping.Map(Machine.Space, in request));
        Assert.Equal(0, Store(Base + PageBytes, 3));
        Assert.Equal(0, SharedObjects.Truncate(memory, 100));
        Assert.Equal(7_002, Touch(Base + PageBytes, UserAccess.Read, out _));
        Assert.Equal(0UL, Load(Base + 4088));
        Assert.Equal(-Errno.EBUSY, SharedObjects.AddSeals(memory, SharedObjects.SealWrite));
        Assert.Equal(0, SharedObjects.AddSeals(memory, SharedObjects.SealGrow | SharedObjects.SealSeal));
        Assert.Equal(-Errno.EPERM, SharedObjects.AddSeals(memory, SharedObjects.SealShrink));
        Assert.Equal(-Errno.EPERM, Write(memory, 100, "x"u8));
        Assert.Equal(1, Write(memory, 99, "x"u8));
        MemoryInvariants.Check(Machine.Space);
        Assert.Equal(0, Call(MemoryCalls.Munmap, Base, 2 * PageBytes));
        MemoryObjects.Release(memory);
        Assert.Equal(0, Pool<MemoryObject>.Count);
    }

    [Fact]
    public void A_word_has_one_identity_wherever_it_is_seen()
    {
        _ = Map(Base, 2, ReadWrite, Shared | Fixed);
        long twin = Call(MemoryCalls.Mremap, Base, 0UL, 2 * PageBytes, 1UL, 0UL);
        _ = Map(Base + (8 * PageBytes), 1);
        Assert.True(AddressSpaces.TryIdentify(ref Machine.Thread, Base + PageBytes + 4, out WordIdentity one));
        Assert.True(AddressSpaces.TryIdentify(ref Machine.Thread, (ulong)twin + PageBytes + 4, out WordIdentity other));
        Assert.True(one.Is(in other));
        Assert.True(AddressSpaces.TryIdentify(ref Machine.Thread, Base + (8 * PageBytes), out WordIdentity alone));
        Handle<AddressSpace> child = Fork();
        Machine.Space = child;
        Assert.True(AddressSpaces.TryIdentify(ref Machine.Thread, Base + PageBytes + 4, out WordIdentity same));
        Assert.True(one.Is(in same));
        Assert.True(AddressSpaces.TryIdentify(ref Machine.Thread, Base + (8 * PageBytes), out WordIdentity different));
        Assert.False(alone.Is(in different));
        Assert.False(AddressSpaces.TryIdentify(ref Machine.Thread, Base + (20 * PageBytes), out _));
    }

    [Fact]
    public void User_memory_is_reached_across_pages_and_only_as_permitted()
    {
        _ = Map(Base, 3);
        byte[] data = new byte[6000];
        Random.Shared.NextBytes(data);
        Assert.True(UserMemory.TryWrite(ref Machine.Thread, Base + 3000, data));
        byte[] back = new byte[6000];
        Assert.True(UserMemory.TryRead(ref Machine.Thread, Base + 3000, back));
        Assert.Equal(data, back);
        Assert.Equal(0, Call(MemoryCalls.Mprotect, Base + (2 * PageBytes), PageBytes, ReadOnly));
        Assert.Equal(5192, UserMemory.WriteUpTo(ref Machine.Thread, Base + 3000, data));
        Assert.False(UserMemory.TryRead(ref Machine.Thread, UserLayout.Top - 4, back));
        Assert.False(UserMemory.TryRead(ref Machine.Thread, ulong.MaxValue - 10, back));
        Assert.Equal(0, Call(MemoryCalls.Mprotect, Base, PageBytes, 0UL));
        Assert.False(UserMemory.TryRead(ref Machine.Thread, Base, back));
        Handle<AddressSpace> child = Fork();
        Assert.True(UserMemory.TryWrite<ulong>(ref Machine.Thread, Base + PageBytes, 5));
        Machine.Space = child;
        Assert.True(UserMemory.TryRead(ref Machine.Thread, Base + PageBytes, out ulong word));
        Assert.NotEqual(5UL, word);
    }

    [Fact]
    public void The_trampoline_is_one_frame_for_all_and_cannot_be_changed()
    {
        CodePolicy.AllowsUnverified = false;
        Assert.True(Trampoline.TryMap(ref Machine.Thread, Machine.Space));
        Assert.Equal(0, Touch(Trampoline.Address, UserAccess.Execute, out Span<byte> code));
        Assert.Equal(0xD400_0001_D280_1168UL, BinaryPrimitives.ReadUInt64LittleEndian(code));
        Assert.Equal(11_002, Store(Trampoline.Address, 0));
        Assert.Equal(-Errno.EACCES, Call(MemoryCalls.Mprotect, Trampoline.Address, PageBytes, 3UL));
        Handle<AddressSpace> child = Fork();
        MemoryInvariants.Check(Machine.Space, child);
        Machine.Space = child;
        Assert.Equal(0, Touch(Trampoline.Address, UserAccess.Execute, out _));
    }

    private static ulong Word(SimulatedFile file, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(file.Content.AsSpan(offset));
}
