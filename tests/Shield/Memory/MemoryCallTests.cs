using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>The memory calls by example: results and errors as Linux 6.1 gives them.</summary>
public sealed class MemoryCallTests : MemoryTest
{
    public static TheoryData<ulong, ulong, ulong, ulong, ulong, ulong, long> BadMappings => new()
    {
        // address, length, protection, flags, descriptor, offset, error
        { 0, 0, ReadWrite, Private, ulong.MaxValue, 0, Errno.EINVAL },
        { 0, 4096, ReadWrite, Private, ulong.MaxValue, 1, Errno.EINVAL },
        { 0, 4096, ReadWrite, 0x20, ulong.MaxValue, 0, Errno.EINVAL },
        { 0, 4096, ReadWrite, 0x23, ulong.MaxValue, 0, Errno.EINVAL },
        { 0, ulong.MaxValue, ReadWrite, Private, ulong.MaxValue, 0, Errno.ENOMEM },
        { 0, 1UL << 48, ReadWrite, Private, ulong.MaxValue, 0, Errno.ENOMEM },
        { Base + 1, 4096, ReadWrite, Private | Fixed, ulong.MaxValue, 0, Errno.EINVAL },
        { 0, 4096, ReadWrite, Private | Fixed, ulong.MaxValue, 0, Errno.EPERM },
        { (1UL << 48) - 4096, 8192, ReadWrite, Private | Fixed, ulong.MaxValue, 0, Errno.ENOMEM },
        { 1UL << 60, 4096, ReadWrite, Private | Fixed, ulong.MaxValue, 0, Errno.ENOMEM },
        { 0, 4096, ReadWrite, 0x2, ulong.MaxValue, 0, Errno.EBADF },
        { 0, 4096, ReadWrite, 0x2, 99, 0, Errno.EBADF },
        { 0, 4096, ReadWrite, Shared | 0x100, ulong.MaxValue, 0, Errno.EINVAL },
        { 0, 4096, ReadWrite, Private | 0x4_0000, ulong.MaxValue, 0, Errno.ENOMEM },
        { 0, 4096, ReadWrite, Private | 0x4_0000 | (22UL << 26), ulong.MaxValue, 0, Errno.EINVAL },
        { 0, 8192, ReadWrite, 0x2, 3, 0xFFFF_FFFF_FFFF_F000, Errno.EOVERFLOW },
        { 0, 4096, ReadWrite, 0x1, 3, 0, Errno.EACCES },
        { 0, 4096, ReadWrite, 0x2, 4, 0, Errno.EACCES },
        { 0, 4096, ReadWrite, 0x2 | 0x100, 3, 0, Errno.EINVAL },
        { 0, 4096, ReadOnly, 0x3 | 0x8_0000, 3, 0, Errno.EOPNOTSUPP },
    };

    [Theory]
    [MemberData(nameof(BadMappings))]
    public void Bad_mappings_get_linuxs_error(ulong address, ulong length, ulong protection, ulong flags, ulong descriptor, ulong offset, long error)
    {
        SimulatedFile file = new(5, Numbered(4));
        Assert.Equal(3UL, Machine.Open(file));
        Assert.Equal(4UL, Machine.Open(file, write: true, read: false));
        Assert.Equal(-error, Call(MemoryCalls.Mmap, address, length, protection, flags, descriptor, offset));
        MemoryInvariants.Check(Machine.Space);
        Assert.Equal(0, Areas.Count);
    }

    [Fact]
    public void Hints_are_taken_when_free_and_rounded()
    {
        Assert.Equal((long)Base + 4096, Call(MemoryCalls.Mmap, Base + 4096 + 5, 4096, ReadWrite, Private, ulong.MaxValue, 0));
        long other = Call(MemoryCalls.Mmap, Base + 4096, 4096, ReadWrite, Private, ulong.MaxValue, 0);
        Assert.True(other > (long)Base + 8192);
        Assert.Equal((long)UserLayout.LowestMapping, Call(MemoryCalls.Mmap, 0x1000, 4096, ReadWrite, Private, ulong.MaxValue, 0));
        Assert.Equal(-Errno.EEXIST, Call(MemoryCalls.Mmap, Base, 3 * 4096, ReadWrite, Private | 0x10_0000, ulong.MaxValue, 0));
        Assert.Equal((long)Base, Call(MemoryCalls.Mmap, Base, 4096, ReadWrite, Private | 0x10_0000, ulong.MaxValue, 0));
    }

    [Fact]
    public void Mappings_without_hint_grow_down_from_the_base()
    {
        ulong first = Map(0, 2, flags: Private);
        ulong second = Map(0, 2, ReadOnly, Private);
        Assert.Equal(Pool<AddressSpace>.Get(Machine.Space).MapBase, first + 8192);
        Assert.Equal(first, second + 8192);
        Assert.Equal(0, Call(MemoryCalls.Munmap, first, 8192UL));
        Assert.Equal(first, Map(0, 2, flags: Private));
    }

    [Fact]
    public void Munmap_refuses_what_linux_refuses()
    {
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Munmap, Base + 1, 4096UL));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Munmap, Base, 0UL));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Munmap, Base, ulong.MaxValue));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Munmap, UserLayout.Top, 4096UL));
        Assert.Equal(0, Call(MemoryCalls.Munmap, Base, 4096UL));
    }

    [Fact]
    public void Mprotect_stops_at_holes_and_keeps_what_it_did()
    {
        _ = Map(Base, 4);
        Assert.Equal(0, Call(MemoryCalls.Munmap, Base + 8192, 4096UL));
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Mprotect, Base, 4 * PageBytes, ReadOnly));
        Assert.Equal(11_002, Store(Base, 1));
        Assert.Equal(0, Store(Base + (3 * PageBytes), 1));
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Mprotect, Base + 8192, 4096UL, ReadOnly));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Mprotect, Base, 4096UL, 16UL));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Mprotect, Base + 1, 4096UL, ReadOnly));
        Assert.Equal(0, Call(MemoryCalls.Mprotect, Base, 0UL, ReadOnly));
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Mprotect, Base, ulong.MaxValue - Base, ReadOnly));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Mprotect, Base, 4096UL, 0x0100_0001UL));
    }

    [Fact]
    public void Neighbours_with_equal_properties_are_one_area()
    {
        _ = Map(Base, 1);
        _ = Map(Base + 8192, 1);
        Assert.Equal(2, Areas.Count);
        _ = Map(Base + 4096, 1);
        Assert.Equal(1, Areas.Count);
        Assert.Equal(0, Call(MemoryCalls.Mprotect, Base + 4096, 4096UL, ReadOnly));
        Assert.Equal(3, Areas.Count);
        Assert.Equal(0, Call(MemoryCalls.Mprotect, Base + 4096, 4096UL, ReadWrite));
        Assert.Equal(1, Areas.Count);
    }

    public static TheoryData<ulong, ulong, int, int, int> Faults => new()
    {
        // protection, flags, load, store, fetch: 0 or signal * 1000 + code
        { 0, Private, 11_002, 11_002, 11_002 },
        { 1, Private, 0, 11_002, 11_002 },
        { 2, Private, 0, 0, 11_002 },
        { 3, Private, 0, 0, 11_002 },
        { 4, Private, 0, 11_002, 0 },
        { 5, Private, 0, 11_002, 0 },
        { 7, Private, 0, 0, 0 },
        { 1, Shared, 0, 11_002, 11_002 },
        { 3, Shared, 0, 0, 11_002 },
        { 5, Shared, 0, 11_002, 0 },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Faults_follow_the_protection(ulong protection, ulong flags, int load, int store, int fetch)
    {
        foreach (UserAccess[] order in (UserAccess[][])[
            [UserAccess.Read, UserAccess.Write, UserAccess.Execute], [UserAccess.Write, UserAccess.Execute, UserAccess.Read], [UserAccess.Execute, UserAccess.Read, UserAccess.Write]])
        {
            _ = Map(Base, 2, protection, flags | Fixed);
            foreach (UserAccess access in order)
            {
                int expected = access switch { UserAccess.Read => load, UserAccess.Write => store, _ => fetch };
                Assert.Equal(expected, Touch(Base, access, out _));
                MemoryInvariants.Check(Machine.Space);
            }
        }
        Assert.Equal(11_001, Touch(Base + (2 * PageBytes), UserAccess.Read, out _));
        Assert.Equal(11_001, Touch(Base - 1, UserAccess.Write, out _));
        Assert.Equal(11_001, Touch(UserLayout.Top, UserAccess.Read, out _));
        Assert.Equal(11_001, Touch(0xFFFF_0000_0000_0000, UserAccess.Read, out _));
    }

    [Fact]
    public void Executable_pages_are_published_before_they_can_run()
    {
        _ = Map(Base, 1);
        Assert.Equal(0, Store(Base, 0xD65F03C0));
        Assert.Equal(0, Call(MemoryCalls.Mprotect, Base, 4096UL, 5UL));
        Assert.True(Translation.TryAccess(Root, AddressSpaces.Asid(Machine.Space), Base, UserAccess.Execute, out FrameAddress frame));
        Assert.Contains(frame.Value, Translation.Published);
    }

    [Fact]
    public void The_heap_moves_as_in_linux()
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(Machine.Space);
        space.HeapStart = Base + 0x123;
        space.Heap = Base + 0x123;
        space.DataLimit = 1 << 20;
        Assert.Equal((long)Base + 0x123, Call(MemoryCalls.Brk, 0UL));
        Assert.Equal((long)Base + 0x2001, Call(MemoryCalls.Brk, Base + 0x2001));
        Assert.Equal(0, Store(Base + 0x2FF8, 7));
        Assert.Equal(11_001, Store(Base + 0x3000, 7));
        Assert.Equal((long)Base + 0x200, Call(MemoryCalls.Brk, Base + 0x200));
        Assert.Equal((long)Base + 0x200, Call(MemoryCalls.Brk, Base));
        Assert.Equal((long)Base + 0x200, Call(MemoryCalls.Brk, Base + (2 << 20)));
        Assert.Equal((long)Base + 0x3000, Call(MemoryCalls.Brk, Base + 0x3000));
        Assert.Equal(0UL, Load(Base + 0x2FF8));
        _ = Map(Base + 0x5000, 1);
        Assert.Equal((long)Base + 0x3000, Call(MemoryCalls.Brk, Base + 0x5000));
        Assert.Equal((long)Base + 0x4000, Call(MemoryCalls.Brk, Base + 0x4000));
        MemoryInvariants.Check(Machine.Space);
    }

    [Fact]
    public void A_stack_grows_down_to_its_limit_and_keeps_its_guard()
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(Machine.Space);
        space.StackLimit = 1 << 20;
        ulong stack = Base + (4UL << 20);
        _ = Map(stack, 2, ReadWrite, Private | Fixed | 0x100);
        Assert.Equal(0, Store(stack - 8, 1));
        Assert.Equal(0, Store(stack - (100 * PageBytes), 2));
        Assert.Equal(11_001, Store(stack - (255 * PageBytes), 3));
        Assert.Equal(1UL, Load(stack - 8));
        Assert.Equal(2UL, Load(stack - (100 * PageBytes)));
        space.StackLimit = UserLayout.Unlimited;
        _ = Map(stack - (500 * PageBytes), 1);
        Assert.Equal(11_001, Store(stack - (300 * PageBytes), 3));
        Assert.Equal(0, Store(stack - (200 * PageBytes), 3));
        MemoryInvariants.Check(Machine.Space);
    }

    [Fact]
    public void Mremap_moves_grows_and_shrinks()
    {
        _ = Map(Base, 4);
        for (ulong i = 0; i < 4; i++)
            Assert.Equal(0, Store(Base + (i * PageBytes), i + 1));
        Assert.Equal((long)Base, Call(MemoryCalls.Mremap, Base, 4 * PageBytes, 2 * PageBytes, 0UL, 0UL));
        Assert.Equal(11_001, Touch(Base + (2 * PageBytes), UserAccess.Read, out _));
        Assert.Equal((long)Base, Call(MemoryCalls.Mremap, Base, 2 * PageBytes, 3 * PageBytes, 0UL, 0UL));
        Assert.Equal(0UL, Load(Base + (2 * PageBytes)));
        _ = Map(Base + (3 * PageBytes), 1, ReadOnly);
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Mremap, Base, 3 * PageBytes, 4 * PageBytes, 0UL, 0UL));
        long moved = Call(MemoryCalls.Mremap, Base, 3 * PageBytes, 4 * PageBytes, 1UL, 0UL);
        Assert.True(moved > 0 && moved != (long)Base);
        Assert.Equal(1UL, Load((ulong)moved));
        Assert.Equal(2UL, Load((ulong)moved + PageBytes));
        Assert.Equal(11_001, Touch(Base, UserAccess.Read, out _));
        ulong target = Base + (2UL << 20) - PageBytes;
        Assert.Equal((long)target, Call(MemoryCalls.Mremap, (ulong)moved, 2 * PageBytes, 2 * PageBytes, 3UL, target));
        Assert.Equal(2UL, Load(target + PageBytes));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Mremap, target, 2 * PageBytes, 2 * PageBytes, 3UL, target + PageBytes));
        Assert.Equal(-Errno.EFAULT, Call(MemoryCalls.Mremap, Base, PageBytes, 2 * PageBytes, 1UL, 0UL));
        Assert.Equal(-Errno.EFAULT, Call(MemoryCalls.Mremap, target, 3 * PageBytes, 4 * PageBytes, 1UL, 0UL));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Mremap, target, 0UL, PageBytes, 1UL, 0UL));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Mremap, target, PageBytes, 0UL, 1UL, 0UL));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Mremap, target, PageBytes, PageBytes, 2UL, Base));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Mremap, target, PageBytes, 2 * PageBytes, 5UL, 0UL));
        long kept = Call(MemoryCalls.Mremap, target, PageBytes, PageBytes, 5UL, 0UL);
        Assert.Equal(1UL, Load((ulong)kept));
        Assert.Equal(0UL, Load(target));
        MemoryInvariants.Check(Machine.Space);
    }

    [Fact]
    public void A_shared_mapping_can_be_doubled_by_mremap()
    {
        _ = Map(Base, 2, ReadWrite, Shared | Fixed);
        Assert.Equal(0, Store(Base, 5));
        long twin = Call(MemoryCalls.Mremap, Base, 0UL, 2 * PageBytes, 1UL, 0UL);
        Assert.Equal(5UL, Load((ulong)twin));
        Assert.Equal(0, Store((ulong)twin + 8, 6));
        Assert.Equal(6UL, Load(Base + 8));
        MemoryInvariants.Check(Machine.Space);
    }

    [Fact]
    public void Limits_of_size_and_data_hold()
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(Machine.Space);
        space.AddressSpaceLimit = 4 * PageBytes;
        space.DataLimit = 2 * PageBytes;
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Mmap, 0, 3 * PageBytes, ReadWrite, Private, ulong.MaxValue, 0));
        _ = Map(Base, 2);
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Mmap, 0, 3 * PageBytes, ReadOnly, Private, ulong.MaxValue, 0));
        _ = Map(Base + (8 * PageBytes), 2, ReadOnly);
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Mprotect, Base + (8 * PageBytes), PageBytes, ReadWrite));
        _ = Map(Base, 2);
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Mremap, Base, 2 * PageBytes, 3 * PageBytes, 1UL, 0UL));
    }

    [Fact]
    public void Madvise_drops_marks_and_refuses()
    {
        _ = Map(Base, 4);
        Assert.Equal(0, Store(Base, 1));
        Assert.Equal(0, Store(Base + PageBytes, 2));
        Assert.Equal(0, Call(MemoryCalls.Madvise, Base, PageBytes, 4UL));
        Assert.Equal(0UL, Load(Base));
        Assert.Equal(2UL, Load(Base + PageBytes));
        Assert.Equal(0, Call(MemoryCalls.Madvise, Base, 4 * PageBytes, 8UL));
        Assert.Equal(0UL, Load(Base + PageBytes));
        foreach (ulong unknown in (ulong[])[5, 6, 7, 26, 99, 102, 1UL << 32])
            Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Madvise, Base, PageBytes, unknown));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Madvise, Base + 1, PageBytes, 4UL));
        Assert.Equal(0, Call(MemoryCalls.Madvise, Base + 0x100_0000, 0UL, 4UL));
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Madvise, Base, 8 * PageBytes, 4UL));
        Assert.Equal(0, Call(MemoryCalls.Madvise, Base, 2 * PageBytes, 23UL));
        Assert.Equal(0, Call(MemoryCalls.Mprotect, Base + (2 * PageBytes), PageBytes, ReadOnly));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Madvise, Base, 3 * PageBytes, 23UL));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Madvise, Base, PageBytes, 9UL));
        Assert.Equal(0, Call(MemoryCalls.Mlock, Base, PageBytes));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Madvise, Base, PageBytes, 4UL));
        Assert.Equal(0, Call(MemoryCalls.Madvise, Base, PageBytes, 24UL));
        MemoryInvariants.Check(Machine.Space);
    }

    [Fact]
    public void Locking_counts_and_populates()
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(Machine.Space);
        _ = Map(Base, 4);
        space.LockLimit = 3 * PageBytes;
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Mlock, Base, 4 * PageBytes));
        Assert.Equal(0, Call(MemoryCalls.Mlock, Base + 5, 2 * PageBytes));
        Assert.Equal(3UL, space.LockedPages);
        Assert.Equal(3UL, space.ResidentPages);
        Assert.Equal(0, Call(MemoryCalls.Munlock, Base, PageBytes));
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Munlock, Base, 5 * PageBytes));
        Assert.Equal(0UL, space.LockedPages);
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Mlockall, 4UL));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Mlock2, Base, PageBytes, 2UL));
        Assert.Equal(0, Call(MemoryCalls.Mlockall, 2UL));
        Assert.Equal(-Errno.EAGAIN, Call(MemoryCalls.Mmap, 0, 4 * PageBytes, ReadWrite, Private, ulong.MaxValue, 0));
        _ = Map(Base + 0x10_0000, 2);
        Assert.Equal(2UL, space.LockedPages);
        Assert.Equal(0, Call(MemoryCalls.Munlockall));
        Assert.Equal(0UL, space.LockedPages);
        space.LockLimit = 0;
        Assert.Equal(-Errno.EPERM, Call(MemoryCalls.Mlock, Base, PageBytes));
        MemoryInvariants.Check(Machine.Space);
    }

    [Fact]
    public void Mincore_tells_what_is_present()
    {
        _ = Map(Base, 4);
        ulong vector = Map(0, 1, flags: Private);
        Assert.Equal(0, Store(Base + PageBytes, 1));
        Assert.Equal(0, Call(MemoryCalls.Mincore, Base, 4 * PageBytes, vector));
        Assert.Equal(0x0000_0100UL, Load(vector) & 0x0101_0101);
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Mincore, Base, 5 * PageBytes, vector));
        Assert.Equal(-Errno.EINVAL, Call(MemoryCalls.Mincore, Base + 1, PageBytes, vector));
        Assert.Equal(-Errno.EFAULT, Call(MemoryCalls.Mincore, Base, PageBytes, Base + 0x100_0000));
    }

    [Fact]
    public void Without_memory_a_fault_kills_and_calls_fail_and_nothing_leaks()
    {
        Machine.RefuseGrants = true;
        _ = Map(Base, 4096);
        int stored = 0;
        int outcome = 0;
        for (ulong i = 0; i < 4096 && outcome == 0; i++)
        {
            outcome = Store(Base + (i * PageBytes), i);
            stored += outcome == 0 ? 1 : 0;
        }
        Assert.Equal(9_128, outcome);
        Assert.InRange(stored, 300, 511);
        MemoryInvariants.Check(Machine.Space);
        Assert.Equal(-Errno.ENOMEM, Call(MemoryCalls.Mmap, 0, PageBytes, ReadWrite, Private, ulong.MaxValue, 0));
        Assert.False(AddressSpaces.TryFork(ref Machine.Thread, out _));
        MemoryInvariants.Check(Machine.Space);
        AddressSpaces.Release(Machine.Space);

        // Less what pools and the allocator's notes (32 frames at a time) took.
        Assert.InRange(Frames.FreeCount, 448, 511);
        Assert.Equal(0, Areas.Count);
    }

    [Fact]
    public void Thousands_of_areas_stay_in_order()
    {
        for (ulong i = 0; i < 3000; i++)
            _ = Map(Base + ((i * 7 % 3000) * 2 * PageBytes), 1, i % 2 == 0 ? ReadWrite : ReadOnly);
        Assert.Equal(3000, Areas.Count);
        for (ulong i = 0; i < 3000; i += 3)
            Assert.Equal(0, Call(MemoryCalls.Munmap, Base + (i * 2 * PageBytes), PageBytes));
        MemoryInvariants.Check(Machine.Space);
        Assert.Equal(0, Call(MemoryCalls.Munmap, Base, 6000 * PageBytes));
        Assert.Equal(0, Areas.Count);
        Assert.Equal(0, Pool<AddressSpace>.Get(Machine.Space).TableFrames);
    }

    [Fact]
    public void Sequential_stores_fault_less_and_less_often()
    {
        _ = Map(Base, 256);
        int faults = 0;
        for (ulong i = 0; i < 256; i++)
        {
            if (PageTables.Read(Root, Base + (i * PageBytes)) == 0)
                faults++;
            Assert.Equal(0, Store(Base + (i * PageBytes), i));
        }
        Assert.InRange(faults, 16, 24);
        _ = Map(Base, 256);
        Assert.Equal(0, Store(Base + (50 * PageBytes), 1));
        Assert.Equal(1UL, Pool<AddressSpace>.Get(Machine.Space).ResidentPages);
    }

    [Fact]
    public void Code_policy_keeps_unverified_and_altered_pages_from_running()
    {
        CodePolicy.AllowsUnverified = false;
        Assert.Equal(-Errno.EACCES, Call(MemoryCalls.Mmap, Base, PageBytes, 7UL, Private, ulong.MaxValue, 0));
        _ = Map(Base, 1);
        Assert.Equal(-Errno.EACCES, Call(MemoryCalls.Mprotect, Base, PageBytes, 5UL));
        _ = Map(Base, 1, ReadOnly);
        Assert.Equal(-Errno.EACCES, Call(MemoryCalls.Mprotect, Base, PageBytes, 5UL));
        ulong clear = Machine.Open(new SimulatedFile(9, Numbered(2)));
        Assert.Equal(-Errno.EACCES, Call(MemoryCalls.Mmap, Base, PageBytes, 5UL, 2UL, clear, 0UL));

        Assert.True(PageCache.TryOpen(new FileIdentity(FileSource.Encrypted, 1, 2), 4 * PageBytes, 0, 0, false, 0, out Handle<MemoryObject> verified, out _));
        MapRequest request = new() { Address = Base, Length = 4 * PageBytes, Fixed = true, Protection = Protection.Read | Protection.Execute, Maximum = Protection.All, Object = verified };
        Assert.True(CodePolicy.MayExecute(verified, request.Protection));
        Assert.False(CodePolicy.MayExecute(verified, Protection.All));
        request.Maximum = CodePolicy.Limit(verified, request.Protection, request.Maximum);
        Assert.Equal((long)Base, Mapping.Map(Machine.Space, in request));
        Assert.Equal(0, Call(MemoryCalls.Mprotect, Base, PageBytes, 5UL));
        Assert.Equal(-Errno.EACCES, Call(MemoryCalls.Mprotect, Base, PageBytes, 7UL));
    }

    private FrameAddress Root => Pool<AddressSpace>.Get(Machine.Space).Root;
}
