namespace BlackBox.Shield;

/// <summary>epoll_ctl: Linux keeps the interest list, the enclave keeps what the program attached to it.</summary>
internal static class EpollCalls
{
    private const int Add = 1;
    private const int Delete = 2;
    private const int Modify = 3;
    private const int EventBytes = 16;

    public static long Control(ref Thread thread, ref CallArguments a)
    {
        if (!Descriptors.TryFind(ref thread, a[0], out Handle<OpenFile> instance))
        {
            return -Errno.EBADF;
        }

        uint events = 0;
        ulong data = 0;
        int operation = (int)a[1];
        if (operation != Delete
            && !(UserMemory.TryRead(ref thread, a[3], out events) && UserMemory.TryRead(ref thread, a[3] + sizeof(ulong), out data)))
        {
            return -Errno.EFAULT;
        }

        OpenFiles.AddReference(instance);
        return Descriptors.Done(instance, Serve(ref thread, ref a, instance, operation, events, data));
    }

    private static long Serve(ref Thread thread, ref CallArguments a, Handle<OpenFile> instance, int operation, uint events, ulong data)
    {
        int number = (int)a[2];
        Handle<EpollCookie> cookie = default;
        switch (operation)
        {
            case Delete:
                long deleted = Forward(ref thread, ref a, 0, 0);
                if (deleted == 0)
                {
                    EpollCookies.Remove(instance, number);
                }

                return deleted;
            case Modify:
                if (!EpollCookies.TryFind(instance, number, out cookie))
                {
                    return Forward(ref thread, ref a, events, 0) == 0 ? -Errno.EIO : -Errno.ENOENT;
                }

                break;
            case Add:
                // An entry that stands already is Linux's to refuse (EEXIST); if it does not, it belonged to a closed descriptor.
                if (EpollCookies.TryFind(instance, number, out Handle<EpollCookie> old))
                {
                    long again = Forward(ref thread, ref a, events, EpollCookies.Value(old));
                    if (again != 0)
                    {
                        return again;
                    }

                    cookie = old;
                    break;
                }

                if (!Frames.Reserve(ref thread, 2) || !EpollCookies.TryAdd(instance, number, events, data, out cookie))
                {
                    return -Errno.ENOMEM;
                }

                Pool<OpenFile>.Get(instance).IsEpoll = true;
                long added = Forward(ref thread, ref a, events, EpollCookies.Value(cookie));
                if (added != 0)
                {
                    EpollCookies.Remove(instance, number);
                }

                return added;
            default:
                return -Errno.EINVAL;
        }

        long result = operation == Modify ? Forward(ref thread, ref a, events, EpollCookies.Value(cookie)) : 0;
        if (result == 0 && Pool<EpollCookie>.IsLive(cookie))
        {
            ref EpollCookie entry = ref Pool<EpollCookie>.Get(cookie);
            entry.Events = events;
            entry.Data = data;
        }

        return result;
    }

    /// <summary>
    /// Copies what epoll_wait brought: the program's own data for each registration, only events that can be meant. Entries that name no
    /// registration of the instance are left out. Returns the entries written, or -EFAULT.
    /// </summary>
    public static long WriteEvents(ref Thread thread, ref SharedBuffer buffer, int offset, Handle<OpenFile> instance, ulong address, int count)
    {
        const uint Always = 0x8 | 0x10;     // EPOLLERR, EPOLLHUP
        int written = 0;
        for (int i = 0; i < count; i++)
        {
            uint events = buffer.Take<uint>(offset + (i * EventBytes));
            ulong value = buffer.Take<ulong>(offset + (i * EventBytes) + sizeof(ulong));
            if (!EpollCookies.TryFind(instance, value, out Handle<EpollCookie> cookie))
            {
                continue;
            }

            EpollCookie entry = Pool<EpollCookie>.Get(cookie);
            ulong at = address + (ulong)(written * EventBytes);
            if (!UserMemory.TryWrite(ref thread, at, (ulong)(events & (entry.Events | Always))) || !UserMemory.TryWrite(ref thread, at + sizeof(ulong), entry.Data))
            {
                return -Errno.EFAULT;
            }

            written++;
        }

        return written;
    }

    private static long Forward(ref Thread thread, ref CallArguments a, uint events, ulong value)
    {
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(EventBytes, out int offset, out ulong place);
        buffer.Store(offset, (ulong)events);
        buffer.Store(offset + sizeof(ulong), value);
        return PlainCall.CheckedZero(Gate.Call(ref thread, Sys.epoll_ctl, a[0], a[1], a[2], place));
    }
}
