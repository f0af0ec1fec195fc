using System;

namespace BlackBox.Shield;

/// <summary>Life of the objects that areas map, and what happens to the mappings when an object's pages go.</summary>
internal static class MemoryObjects
{
    /// <summary>A shared memory object of <paramref name="size"/> bytes with one user. False: no memory.</summary>
    public static bool TryCreateShared(ulong size, out Handle<MemoryObject> created)
    {
        if (!Pool<MemoryObject>.TryAdd(out created))
            return false;
        ref MemoryObject target = ref Pool<MemoryObject>.Get(created);
        target.Kind = ObjectKind.Shared;
        target.References = 1;
        target.Size = size;
        return true;
    }

    /// <summary>One more user.</summary>
    public static void AddReference(Handle<MemoryObject> handle) => Pool<MemoryObject>.Get(handle).References++;

    /// <summary>One user less. A shared object without users is gone; a file stays in the cache. No call to the OS.</summary>
    public static void Release(Handle<MemoryObject> handle)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        if (--target.References > 0 || target.Kind == ObjectKind.File)
            return;
        _ = ObjectPages.Remove(ref target, 0, ObjectPages.Limit, cleanOnly: false);
        Pool<MemoryObject>.Free(handle);
    }

    /// <summary>
    /// Sets the size of a shared object (ftruncate): pages beyond go, from mappings too, and the rest of the last page becomes zeros.
    /// </summary>
    public static void Resize(Handle<MemoryObject> handle, ulong size)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        ulong before = target.Size;
        target.Size = size;
        if (size >= before)
            return;
        ulong firstGone = target.SizePages;
        Unmap(ref target, firstGone, ObjectPages.Limit);
        _ = ObjectPages.Remove(ref target, firstGone, ObjectPages.Limit, cleanOnly: false);
        int rest = (int)(size & UserLayout.PageMask);
        if (rest != 0)
        {
            ulong entry = ObjectPages.Get(ref target, size >> UserLayout.PageShift);
            if (entry != 0)
                Frames.Bytes(ObjectPages.Frame(entry))[rest..].Clear();
        }
    }

    /// <summary>Makes pages [from, to) of a shared object zeros again (fallocate PUNCH_HOLE, MADV_REMOVE).</summary>
    public static void Punch(Handle<MemoryObject> handle, ulong from, ulong to)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        Unmap(ref target, from, to);
        _ = ObjectPages.Remove(ref target, from, to, cleanOnly: false);
    }

    /// <summary>
    /// Whether a memfd's seals permit the mapping (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE): no shared mapping that can store; one that cannot must not
    /// get the permission later.
    /// </summary>
    public static bool SealsPermit(Handle<MemoryObject> handle, ref MapRequest request)
    {
        const uint sealWrite = 0x8;
        const uint sealFutureWrite = 0x10;
        if ((request.Flags & AreaFlags.Shared) == 0 || (Pool<MemoryObject>.Get(handle).Seals & (sealWrite | sealFutureWrite)) == 0)
            return true;
        if ((request.Protection & Protection.Write) != 0)
            return false;
        request.Maximum &= ~Protection.Write;
        return true;
    }

    /// <summary>
    /// The frame of a shared object's page, made of zeros if it is absent. Null: beyond the size, or no frame free
    /// (<paramref name="beyond"/> tells).
    /// </summary>
    public static FrameAddress SharedPage(Handle<MemoryObject> handle, ulong page, out bool beyond)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        beyond = page >= target.SizePages;
        if (beyond)
            return default;
        ulong entry = ObjectPages.Get(ref target, page);
        if (entry != 0)
            return ObjectPages.Frame(entry);
        if (!Frames.TryAllocate(out FrameAddress frame))
            return default;
        if (!ObjectPages.TryAdd(ref target, page, frame))
        {
            Frames.Free(frame);
            return default;
        }
        return frame;
    }

    /// <summary>Takes pages [from, to) of the object out of all tables that map them, copies made by private mappings included (as Linux's truncate does).</summary>
    public static void Unmap(ref MemoryObject target, ulong from, ulong to)
    {
        int index = target.FirstMapping;
        while (index != 0)
        {
            ref Area area = ref Areas.At(index);
            index = area.ObjectNext;
            if (Range(ref area, from, to, out ulong start, out ulong end))
                Unmapping.RemovePages(ref Pool<AddressSpace>.Get(area.Space), AddressSpaces.Asid(area.Space), start, end);
        }
    }

    /// <summary>Takes one page of the object out of all tables in which its own frame stands; copies of private mappings stay.</summary>
    public static void UnmapFrame(ref MemoryObject target, ulong page, FrameAddress frame)
    {
        int index = target.FirstMapping;
        while (index != 0)
        {
            ref Area area = ref Areas.At(index);
            index = area.ObjectNext;
            if (!Range(ref area, page, page + 1, out ulong start, out ulong end))
                continue;
            ref AddressSpace space = ref Pool<AddressSpace>.Get(area.Space);
            if (PageTableEntry.Frame(PageTables.Read(space.Root, start)).Value == frame.Value)
                Unmapping.RemovePages(ref space, AddressSpaces.Asid(area.Space), start, end);
        }
    }

    /// <summary>Makes pages [from, to) of the object read-only wherever a shared mapping may store to them, so that the next store is noticed.</summary>
    public static void Protect(ref MemoryObject target, ulong from, ulong to)
    {
        int index = target.FirstMapping;
        while (index != 0)
        {
            ref Area area = ref Areas.At(index);
            index = area.ObjectNext;
            if (area.IsShared && (area.Protection & Protection.Write) != 0 && Range(ref area, from, to, out ulong start, out ulong end))
                Protecting.MakeReadOnly(ref Pool<AddressSpace>.Get(area.Space), AddressSpaces.Asid(area.Space), start, end);
        }
    }

    /// <summary>Puts an area with its object set into the object's list; the area becomes a user.</summary>
    public static void Attach(int index)
    {
        ref Area area = ref Areas.At(index);
        if (area.Object.IsNull)
            return;
        ref MemoryObject target = ref Pool<MemoryObject>.Get(area.Object);
        target.References++;
        area.ObjectPrevious = 0;
        area.ObjectNext = target.FirstMapping;
        if (area.ObjectNext != 0)
            Areas.At(area.ObjectNext).ObjectPrevious = index;
        target.FirstMapping = index;
    }

    /// <summary>Takes an area out of its object's list; the object may end with it.</summary>
    public static void Detach(int index)
    {
        ref Area area = ref Areas.At(index);
        if (area.Object.IsNull)
            return;
        if (area.ObjectPrevious != 0)
            Areas.At(area.ObjectPrevious).ObjectNext = area.ObjectNext;
        else
            Pool<MemoryObject>.Get(area.Object).FirstMapping = area.ObjectNext;
        if (area.ObjectNext != 0)
            Areas.At(area.ObjectNext).ObjectPrevious = area.ObjectPrevious;
        area.ObjectNext = 0;
        area.ObjectPrevious = 0;
        Release(area.Object);
        area.Object = default;
    }

    /// <summary>User addresses at which an area shows pages [from, to) of its object.</summary>
    private static bool Range(ref Area area, ulong from, ulong to, out ulong start, out ulong end)
    {
        ulong first = Math.Max(from, area.Page);
        ulong last = Math.Min(to, area.Page + area.Pages);
        start = 0;
        end = 0;
        if (first >= last)
            return false;
        start = area.Start + ((first - area.Page) << UserLayout.PageShift);
        end = area.Start + ((last - area.Page) << UserLayout.PageShift);
        return true;
    }
}
