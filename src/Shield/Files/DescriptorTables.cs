using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>Tables over the life of processes.</summary>
internal static class DescriptorTables
{
    /// <summary>Descriptors that may be inherited from outside: numbers below this one are looked at.</summary>
    private const int Inheritable = 1024;

    /// <summary>Read, write and error: open before there is anybody to ask.</summary>
    private const int Standard = 3;

    /// <summary>The table for a child: the same one (CLONE_FILES) or a copy. No call to the OS.</summary>
    public static bool TryClone(ref Process parent, bool share, out Handle<DescriptorTable> table)
    {
        table = parent.Files;
        if (share && !table.IsNull)
        {
            Pool<DescriptorTable>.Get(table).Users++;
            return true;
        }

        return TryCopy(parent.Files, parent.ThreadCount > 1, out table);
    }

    /// <summary>The table of the first process: descriptors 0 to 2 inherited from outside.</summary>
    public static bool TryStart(ref Process process)
    {
        if (!TryCopy(default, false, out process.Files))
        {
            return false;
        }

        ref DescriptorTable table = ref Pool<DescriptorTable>.Get(process.Files);
        for (int i = 0; i < Standard; i++)
        {
            if (!TryInherit(ref table, i))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// What else the first process inherits: Linux is asked which numbers are open (ppoll answers POLLNVAL for those that are not). All are
    /// files in clear, whatever it says. Also the working directory.
    /// </summary>
    public static void Inherit(ref Thread thread)
    {
        const int EntryBytes = 8;
        const ushort Invalid = 0x20;
        SharedBuffer buffer = new(ref thread);
        int count = Math.Min(Inheritable, (buffer.Capacity - 64) / EntryBytes);
        _ = buffer.TryReserve(count * EntryBytes, out int offset, out ulong place);
        Span<byte> entry = stackalloc byte[EntryBytes];
        for (int i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(entry, (ulong)i);
            buffer.CopyIn(offset + (i * EntryBytes), entry);
        }

        Span<byte> time = stackalloc byte[16];
        time.Clear();
        _ = buffer.TryPut(time, out ulong timeout);
        long result = Gate.Call(ref thread, Sys.ppoll, place, (ulong)count, timeout, 0, 0);
        for (int i = 0; i < count && result >= 0; i++)
        {
            buffer.CopyOut(offset + (i * EntryBytes), entry);
            bool open = (BinaryPrimitives.ReadUInt16LittleEndian(entry[6..]) & Invalid) == 0;
            ref DescriptorTable table = ref Descriptors.Table(ref thread);
            if (open && !DescriptorPages.TryGet(ref table, (ulong)i, out _))
            {
                _ = TryInherit(ref table, i);
            }
            else if (!open && DescriptorPages.TryClose(ref table, (ulong)i, out Handle<OpenFile> file))
            {
                OpenFiles.Release(file);
            }
        }
    }

    /// <summary>One user less; the last one closes everything. No call to the OS, which closes on its side.</summary>
    public static void Release(Handle<DescriptorTable> handle)
    {
        if (handle.IsNull || --Pool<DescriptorTable>.Get(handle).Users > 0)
        {
            return;
        }

        ref DescriptorTable table = ref Pool<DescriptorTable>.Get(handle);
        for (int number = 0; DescriptorPages.TryNext(ref table, ref number, out _); number++)
        {
            _ = DescriptorPages.TryClose(ref table, (ulong)number, out Handle<OpenFile> file);
            OpenFiles.Release(file);
        }

        DescriptorPages.Free(ref table);
        Pool<DescriptorTable>.Free(handle);
    }

    /// <summary>
    /// A table of the caller's own, for exec and CLOSE_RANGE_UNSHARE. False: no memory, nothing changed. No call to the OS: reserve
    /// frames before.
    /// </summary>
    public static bool TryUnshare(ref Process process)
    {
        if (Pool<DescriptorTable>.Get(process.Files).Users == 1)
        {
            return true;
        }

        if (!TryCopy(process.Files, true, out Handle<DescriptorTable> copy))
        {
            return false;
        }

        Release(process.Files);
        process.Files = copy;
        return true;
    }

    /// <summary>
    /// exec has succeeded: descriptors with close-on-exec are gone. The table must be the process's own by now
    /// (<see cref="TryUnshare"/> before the forwarded execve, while failure is possible).
    /// </summary>
    public static void CloseForExec(ref Process process)
    {
        ref DescriptorTable table = ref Pool<DescriptorTable>.Get(process.Files);
        for (int number = 0; DescriptorPages.TryNext(ref table, ref number, out Descriptor descriptor); number++)
        {
            if (descriptor.CloseOnExec && DescriptorPages.TryClose(ref table, (ulong)number, out Handle<OpenFile> file))
            {
                OpenFiles.Release(file);
            }
        }
    }

    /// <summary><paramref name="contended"/>: others may close descriptors of the source before Linux copies its table.</summary>
    private static bool TryCopy(Handle<DescriptorTable> from, bool contended, out Handle<DescriptorTable> copy)
    {
        if (!Pool<DescriptorTable>.TryAdd(out copy))
        {
            return false;
        }

        ref DescriptorTable made = ref Pool<DescriptorTable>.Get(copy);
        made.Users = 1;
        if (from.IsNull)
        {
            return true;
        }

        ref DescriptorTable source = ref Pool<DescriptorTable>.Get(from);
        contended |= source.Users > 1;
        for (int number = 0; DescriptorPages.TryNext(ref source, ref number, out Descriptor descriptor); number++)
        {
            if (!DescriptorPages.TryPrepare(ref made, number))
            {
                Release(copy);
                copy = default;
                return false;
            }

            OpenFiles.AddReference(descriptor.File);
            DescriptorPages.Open(ref made, number, descriptor.File, descriptor.CloseOnExec);
            if (contended || descriptor.MayBeGone)
            {
                DescriptorPages.SetMayBeGone(ref made, number);
            }
        }

        return true;
    }

    private static bool TryInherit(ref DescriptorTable table, int number)
    {
        if (!DescriptorPages.TryPrepare(ref table, number) || !OpenFiles.TryMake(OpenFileKind.Clear, OpenFlags.ReadWrite, out Handle<OpenFile> file))
        {
            return false;
        }

        DescriptorPages.Open(ref table, number, file, closeOnExec: false);
        return true;
    }
}
