using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>
/// The files of the enclave whose pages are in its memory, found by identity, so that processes share what is equal. Everything
/// that calls the OS drops the kernel lock; a user of its own keeps the object alive meanwhile, its pages are looked up again.
/// </summary>
internal static class PageCache
{
    private const int Chains = 256;

    /// <summary>Pages that are read at once until faults come in order.</summary>
    private const int FewPages = 2;

    [InlineArray(Chains)]
    private struct Heads
    {
        private Handle<MemoryObject> _first;
    }

    private static Heads _heads;

    /// <summary>
    /// The object of a file, with one user more for the caller. When it is new it takes over the pin; when it is known and clear, size and
    /// version are compared: pages that nobody maps are dropped if the file has changed meanwhile. <paramref name="tookPin"/> tells
    /// whether the pin is the object's now; if not, the caller unpins it. False: no memory.
    /// </summary>
    public static bool TryOpen(
        in FileIdentity identity, ulong size, ulong version, ulong pin, bool pinWrites, int sourceIndex, out Handle<MemoryObject> file, out bool tookPin)
    {
        tookPin = false;
        if (TryFind(in identity, out file))
        {
            ref MemoryObject known = ref Pool<MemoryObject>.Get(file);
            known.References++;
            if (identity.Source == FileSource.Clear && (known.Size != size || known.Version != version))
                Refresh(ref known, size, version);
            if (pin != 0 && known.Pin == 0)
            {
                known.Pin = pin;
                known.PinWrites = pinWrites;
                tookPin = true;
            }
            return true;
        }
        if (!Pool<MemoryObject>.TryAdd(out file))
            return false;
        ref MemoryObject created = ref Pool<MemoryObject>.Get(file);
        created.Kind = ObjectKind.File;
        created.References = 1;
        created.Identity = identity;
        created.Size = size;
        created.Version = version;
        created.Pin = pin;
        created.PinWrites = pinWrites;
        created.SourceIndex = sourceIndex;
        ref Handle<MemoryObject> head = ref _heads[Chain(in identity)];
        created.NextInHash = head;
        head = file;
        tookPin = pin != 0;
        return true;
    }

    /// <summary>The object of a file, without a user more.</summary>
    public static bool TryFind(in FileIdentity identity, out Handle<MemoryObject> file)
    {
        for (file = _heads[Chain(in identity)]; !file.IsNull; file = Pool<MemoryObject>.Get(file).NextInHash)
        {
            if (Pool<MemoryObject>.Get(file).Identity.Is(in identity))
                return true;
        }
        return false;
    }

    /// <summary>Gives a known file a handle that can write, in place of one that cannot. Returns the handle to unpin, 0 if none.</summary>
    public static ulong ReplacePin(Handle<MemoryObject> file, ulong pin)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(file);
        ulong before = target.Pin;
        target.Pin = pin;
        target.PinWrites = true;
        return before;
    }

    /// <summary>
    /// Reads a page, and when faults come in order up to 16 of them, into the cache. Calls the OS. Returns 0 (look again) or -errno.
    /// No frame is taken for what one reading cannot bring.
    /// </summary>
    public static long Fill(ref Thread thread, Handle<MemoryObject> file, ulong page)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(file);
        if (page >= target.SizePages)
            return 0;
        int atOnce = Math.Clamp(thread.ServiceBytes / FrameAddress.Size, 1, FrameList.Count);
        int most = target.Identity.Source == FileSource.Clear ? atOnce : FrameList.Count;
        int least = Math.Min(FewPages, atOnce);
        target.ReadWindow = page == target.NextRead ? Math.Clamp(target.ReadWindow * 2, least, most) : least;
        int count = (int)Math.Min((ulong)target.ReadWindow, target.SizePages - page);
        for (int i = 1; i < count; i++)
        {
            if (ObjectPages.Get(ref target, page + (ulong)i) != 0)
                count = i;
        }

        // Frames first: taking them may call the OS as well. The user keeps the object while the lock is dropped.
        target.References++;
        FrameList list = default;
        Span<FrameAddress> frames = list;
        bool reserved = Frames.Reserve(ref thread, count + 4);
        int have = 0;
        while (have < count && Frames.TryAllocateForCopy(out frames[have]))
            have++;
        long result = -Errno.ENOMEM;
        if (have > 0 && (reserved || have == count))
        {
            FileReading reading = Reading(ref target);
            result = FilePages.Read(ref thread, in reading, page, frames[..have]);
        }
        int good = result > 0 ? (int)Math.Min(result, have) : 0;
        for (int i = 0; i < have; i++)
        {
            // Another thread may have brought the page meanwhile: the first one stays. Beyond a new end it is of no use.
            ulong at = page + (ulong)i;
            if (i >= good || at >= target.SizePages || ObjectPages.Get(ref target, at) != 0 || !ObjectPages.TryAdd(ref target, at, frames[i]))
                Frames.Free(frames[i]);
        }
        target.NextRead = page + (ulong)good;
        MemoryObjects.Release(file);
        return result < 0 ? result : 0;
    }

    /// <summary>
    /// Writes dirty pages of [from, to) back, in order. Calls the OS. A page that cannot be written stays dirty. Returns 0 or the first
    /// error; goes on after an error that is the page's.
    /// </summary>
    public static long Clean(ref Thread thread, Handle<MemoryObject> file, ulong from, ulong to)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(file);
        if (target.Kind != ObjectKind.File)
            return 0;
        target.References++;
        long error = 0;
        ulong page = from;
        while (target.DirtyCount > 0 && ObjectPages.TryNext(ref target, ref page, to, out ulong entry))
        {
            if ((entry & ObjectPages.Dirty) != 0)
            {
                // Read-only first: a store that comes while the OS writes makes the page dirty again.
                FrameAddress frame = ObjectPages.Frame(entry);
                MemoryObjects.Protect(ref target, page, page + 1);
                ObjectPages.SetFlags(ref target, page, 0, ObjectPages.Dirty);
                int bytes = (int)Math.Min(UserLayout.PageBytes, target.Size - Math.Min(target.Size, page << UserLayout.PageShift));
                SharedFrames.Add(frame);
                FileReading reading = Reading(ref target);
                long result = bytes == 0 ? 0 : FilePages.Write(ref thread, in reading, page, frame, bytes);
                if (result < 0)
                {
                    if (ObjectPages.Frame(ObjectPages.Get(ref target, page)).Value == frame.Value)
                        ObjectPages.SetFlags(ref target, page, ObjectPages.Dirty, 0);
                    if (error == 0)
                        error = result;
                }
                SharedFrames.Release(frame);
                if (thread.Dying)
                    break;
            }
            page++;
        }
        MemoryObjects.Release(file);
        return error;
    }

    /// <summary>
    /// Writes dirty pages back: of all files (sync), or of those that no area maps any more (after an unmapping, at the end of a process).
    /// Calls the OS if there are any.
    /// </summary>
    public static void CleanAll(ref Thread thread, bool unmappedOnly)
    {
        if (ObjectPages.DirtyTotal == 0)
            return;
        for (int index = 0; Pool<MemoryObject>.TryNext(index, out Handle<MemoryObject> handle) && !thread.Dying; index = handle.Index + 1)
        {
            ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
            if (target.DirtyCount > 0 && (!unmappedOnly || target.FirstMapping == 0))
                _ = Clean(ref thread, handle, 0, ObjectPages.Limit);
        }
    }

    /// <summary>
    /// A call has changed bytes [offset, offset + length) of a clear file, or its size: clean pages there are dropped, from mappings too (private
    /// copies stay), so that the next access reads them again. <paramref name="size"/> is the file's size now.
    /// </summary>
    public static void Changed(Handle<MemoryObject> file, ulong offset, ulong length, ulong size)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(file);
        ulong before = target.SizePages;
        target.Size = size;
        ulong from = offset >> UserLayout.PageShift;
        ulong to = (offset + length + UserLayout.PageMask) >> UserLayout.PageShift;
        Forget(ref target, from, to);
        if (target.SizePages < before)
        {
            MemoryObjects.Unmap(ref target, target.SizePages, ObjectPages.Limit);
            _ = ObjectPages.Remove(ref target, target.SizePages, ObjectPages.Limit, cleanOnly: false);
        }
    }

    /// <summary>Frees clean pages that only the cache uses, until about <paramref name="frames"/> are free. No call to the OS. Returns how many.</summary>
    public static int Shrink(int frames)
    {
        int freed = 0;
        for (int index = 0; freed < frames && Pool<MemoryObject>.TryNext(index, out Handle<MemoryObject> handle); index = handle.Index + 1)
        {
            ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
            if (target.Kind == ObjectKind.File && target.PageCount > 0)
                freed += ObjectPages.Remove(ref target, 0, ObjectPages.Limit, cleanOnly: true);
        }
        return freed;
    }

    /// <summary>Ends files that nobody uses and that have no page left, and unpins them; at most one call to the OS each.</summary>
    public static void Trim(ref Thread thread)
    {
        for (int index = 0; Pool<MemoryObject>.TryNext(index, out Handle<MemoryObject> handle) && !thread.Dying; index = handle.Index + 1)
        {
            ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
            if (target.Kind != ObjectKind.File || target.References != 0 || target.PageCount != 0)
                continue;
            ulong pin = target.Pin;
            Unlink(handle);
            Pool<MemoryObject>.Free(handle);
            if (pin != 0)
                _ = Gate.Service(ref thread, Service.UnpinFile, pin);
        }
    }

    /// <summary>For tests, which start with new memory.</summary>
    internal static void Reset()
    {
        _heads = default;
        ObjectPages.Reset();
    }

    /// <summary>The file was changed behind the cache: what nobody maps is read again.</summary>
    private static void Refresh(ref MemoryObject target, ulong size, ulong version)
    {
        target.Version = version;
        ulong before = target.SizePages;
        target.Size = size;
        _ = ObjectPages.Remove(ref target, 0, ObjectPages.Limit, cleanOnly: true);
        if (target.SizePages < before)
        {
            MemoryObjects.Unmap(ref target, target.SizePages, ObjectPages.Limit);
            _ = ObjectPages.Remove(ref target, target.SizePages, ObjectPages.Limit, cleanOnly: false);
        }
    }

    /// <summary>Drops clean pages of [from, to), unmapping them first; copies of private mappings are kept.</summary>
    private static void Forget(ref MemoryObject target, ulong from, ulong to)
    {
        ulong page = from;
        while (ObjectPages.TryNext(ref target, ref page, to, out ulong entry))
        {
            if ((entry & ObjectPages.Dirty) == 0)
            {
                MemoryObjects.UnmapFrame(ref target, page, ObjectPages.Frame(entry));
                _ = ObjectPages.Remove(ref target, page, page + 1, cleanOnly: true);
            }
            page++;
        }
    }

    private static FileReading Reading(ref MemoryObject target) =>
        new(target.Identity.Source, target.Pin, target.SourceIndex, target.Size);

    private static void Unlink(Handle<MemoryObject> file)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(file);
        ref Handle<MemoryObject> link = ref _heads[Chain(in target.Identity)];
        while (!link.Is(file))
            link = ref Pool<MemoryObject>.Get(link).NextInHash;
        link = target.NextInHash;
    }

    private static int Chain(in FileIdentity identity) =>
        (int)(unchecked(((identity.Inode ^ (identity.Device << 7)) * 0x9E3779B97F4A7C15UL) + (ulong)identity.Source) >> 56);
}
