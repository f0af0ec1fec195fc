using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>What a program registered with an epoll descriptor for one file: Linux gets a number of the enclave's in place of its data.</summary>
internal struct EpollCookie
{
    public Handle<EpollCookie> Next;

    /// <summary>The epoll instance: index and generation of its open file.</summary>
    public uint Instance;
    public uint InstanceGeneration;

    /// <summary>Descriptor as registered.</summary>
    public int Number;

    /// <summary>Events asked for.</summary>
    public uint Events;

    /// <summary>epoll_data: programs keep pointers there, so it never comes from the OS.</summary>
    public ulong Data;
}

/// <summary>All registrations of the enclave, by instance and descriptor.</summary>
internal static class EpollCookies
{
    private const int Buckets = 256;

    [InlineArray(Buckets)]
    private struct Heads
    {
        private Handle<EpollCookie> first;
    }

    private static Heads heads;

    /// <summary>What Linux is given: never 0.</summary>
    public static ulong Value(Handle<EpollCookie> cookie) => ((ulong)cookie.Generation << 32) | (uint)(cookie.Index + 1);

    /// <summary>The registration that a value of the OS names, if it is one of this instance.</summary>
    public static bool TryFind(Handle<OpenFile> instance, ulong value, out Handle<EpollCookie> cookie)
    {
        uint number = (uint)value;
        cookie = number == 0 ? default : new Handle<EpollCookie>(number - 1, (uint)(value >> 32));
        return Pool<EpollCookie>.IsLive(cookie) && IsOf(ref Pool<EpollCookie>.Get(cookie), instance);
    }

    public static bool TryFind(Handle<OpenFile> instance, int number, out Handle<EpollCookie> cookie)
    {
        for (cookie = heads[Bucket(instance, number)]; !cookie.IsNull; cookie = Pool<EpollCookie>.Get(cookie).Next)
        {
            ref EpollCookie entry = ref Pool<EpollCookie>.Get(cookie);
            if (entry.Number == number && IsOf(ref entry, instance))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A new registration, in place of an older one of a descriptor that was closed meanwhile. False: no memory.</summary>
    public static bool TryAdd(Handle<OpenFile> instance, int number, uint events, ulong data, out Handle<EpollCookie> cookie)
    {
        if (!Pool<EpollCookie>.TryAdd(out cookie))
        {
            return false;
        }

        Remove(instance, number);
        ref Handle<EpollCookie> head = ref heads[Bucket(instance, number)];
        Pool<EpollCookie>.Get(cookie) = new EpollCookie
        {
            Next = head,
            Instance = (uint)instance.Index,
            InstanceGeneration = instance.Generation,
            Number = number,
            Events = events,
            Data = data,
        };
        head = cookie;
        return true;
    }

    public static void Remove(Handle<OpenFile> instance, int number)
    {
        ref Handle<EpollCookie> link = ref heads[Bucket(instance, number)];
        while (!link.IsNull)
        {
            ref EpollCookie entry = ref Pool<EpollCookie>.Get(link);
            if (entry.Number == number && IsOf(ref entry, instance))
            {
                Handle<EpollCookie> gone = link;
                link = entry.Next;
                Pool<EpollCookie>.Free(gone);
                return;
            }

            link = ref entry.Next;
        }
    }

    /// <summary>The instance ends.</summary>
    public static void RemoveAll(Handle<OpenFile> instance)
    {
        for (int i = 0; i < Buckets; i++)
        {
            ref Handle<EpollCookie> link = ref heads[i];
            while (!link.IsNull)
            {
                ref EpollCookie entry = ref Pool<EpollCookie>.Get(link);
                if (IsOf(ref entry, instance))
                {
                    Handle<EpollCookie> gone = link;
                    link = entry.Next;
                    Pool<EpollCookie>.Free(gone);
                }
                else
                {
                    link = ref entry.Next;
                }
            }
        }
    }

    private static bool IsOf(ref EpollCookie entry, Handle<OpenFile> instance) =>
        entry.Instance == (uint)instance.Index && entry.InstanceGeneration == instance.Generation;

    private static int Bucket(Handle<OpenFile> instance, int number) => (int)((uint)((instance.Index * 31) + number) % Buckets);

    internal static void Reset() => heads = default;
}
