using System;

namespace BlackBox.Shield;

/// <summary>A name in /dev/shm and its object.</summary>
internal struct SharedName
{
    public Handle<SharedName> Next;
    public Handle<StoredPath> Path;

    /// <summary>The name is one user of the object.</summary>
    public Handle<MemoryObject> Object;
}

/// <summary>Shared memory by name (shm_open): the enclave's own, whatever Linux keeps in the files of those names.</summary>
internal static class SharedNames
{
    private static Handle<SharedName> first;

    private static ReadOnlySpan<byte> Directory => "/dev/shm/"u8;

    /// <summary>Whether a canonical path is one in /dev/shm.</summary>
    public static bool IsName(ReadOnlySpan<byte> path) => path.Length > Directory.Length && path.StartsWith(Directory);

    /// <summary>The object of a name, without a user more.</summary>
    public static bool TryFind(ReadOnlySpan<byte> path, out Handle<MemoryObject> target)
    {
        bool found = TryFindName(path, out Handle<SharedName> name);
        target = found ? Pool<SharedName>.Get(name).Object : default;
        return found;
    }

    /// <summary>A new name with an empty object, which gets a second user for the caller: 0 or -ENOMEM.</summary>
    public static long Create(ReadOnlySpan<byte> path, out Handle<MemoryObject> target)
    {
        target = default;
        if (!StoredPaths.TryStore(path, out Handle<StoredPath> stored))
        {
            return -Errno.ENOMEM;
        }

        if (!Pool<SharedName>.TryAdd(out Handle<SharedName> name))
        {
            StoredPaths.Free(stored);
            return -Errno.ENOMEM;
        }

        if (!MemoryObjects.TryCreateShared(0, out target))
        {
            StoredPaths.Free(stored);
            Pool<SharedName>.Free(name);
            return -Errno.ENOMEM;
        }

        MemoryObjects.AddReference(target);
        Pool<SharedName>.Get(name) = new SharedName { Next = first, Path = stored, Object = target };
        first = name;
        return 0;
    }

    /// <summary>The name is gone (unlink, rename); the object lives on with its other users.</summary>
    public static void Remove(ReadOnlySpan<byte> path)
    {
        if (!TryFindName(path, out Handle<SharedName> name))
        {
            return;
        }

        SharedName gone = Pool<SharedName>.Get(name);
        if (first.Is(name))
        {
            first = gone.Next;
        }
        else
        {
            Handle<SharedName> before = first;
            while (!Pool<SharedName>.Get(before).Next.Is(name))
            {
                before = Pool<SharedName>.Get(before).Next;
            }

            Pool<SharedName>.Get(before).Next = gone.Next;
        }

        Pool<SharedName>.Free(name);
        StoredPaths.Free(gone.Path);
        MemoryObjects.Release(gone.Object);
    }

    /// <summary>The file got another name: what had that one before is gone.</summary>
    public static void Rename(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        if (from.SequenceEqual(to) || !TryFindName(from, out Handle<SharedName> name))
        {
            return;
        }

        Remove(to);
        if (!IsName(to) || !StoredPaths.TryStore(to, out Handle<StoredPath> stored))
        {
            Remove(from);
            return;
        }

        ref SharedName moved = ref Pool<SharedName>.Get(name);
        StoredPaths.Free(moved.Path);
        moved.Path = stored;
    }

    /// <summary>For tests, which start with new memory.</summary>
    internal static void Reset() => first = default;

    private static bool TryFindName(ReadOnlySpan<byte> path, out Handle<SharedName> name)
    {
        // Names that a program has open at a time are few.
        for (name = first; !name.IsNull; name = Pool<SharedName>.Get(name).Next)
        {
            if (Is(Pool<SharedName>.Get(name).Path, path))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Is(Handle<StoredPath> stored, ReadOnlySpan<byte> path)
    {
        while (!stored.IsNull)
        {
            ref StoredPath piece = ref Pool<StoredPath>.Get(stored);
            if (path.Length < piece.Length || !path[..piece.Length].SequenceEqual(((ReadOnlySpan<byte>)piece.Bytes)[..piece.Length]))
            {
                return false;
            }

            path = path[piece.Length..];
            stored = piece.Next;
        }

        return path.IsEmpty;
    }
}
