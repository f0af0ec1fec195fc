namespace BlackBox.Shield;

/// <summary>
/// Descriptors as calls see them. A number that Linux gives for a new descriptor is checked: it must be one that is not open. If it is,
/// the OS lies: nothing is closed, the call ends with EIO.
/// </summary>
internal static class Descriptors
{
    /// <summary>Frames that recording a descriptor may take; reserved before the call that makes it.</summary>
    public const int WorkFrames = 8;

    /// <summary>Impossible answers of the OS about descriptors and channels.</summary>
    public static ulong Lies { get; set; }

    public static ref DescriptorTable Table(ref Thread thread) =>
        ref Pool<DescriptorTable>.Get(Pool<Process>.Get(thread.Process).Files);

    /// <summary>The open file of a descriptor, without a reference of its own.</summary>
    public static bool TryFind(ref Thread thread, ulong number, out Handle<OpenFile> file)
    {
        bool found = DescriptorPages.TryGet(ref Table(ref thread), (uint)number, out Descriptor descriptor);
        file = descriptor.File;
        return found;
    }

    /// <summary>What a descriptor is.</summary>
    public static OpenFileKind Kind(ref Thread thread, ulong number, out Handle<OpenFile> file) =>
        TryFind(ref thread, number, out file) ? Pool<OpenFile>.Get(file).Kind : OpenFileKind.None;

    /// <summary>As above, with a reference for as long as the call lasts if the enclave serves the file itself (<see cref="Done"/>).</summary>
    public static OpenFileKind Use(ref Thread thread, ulong number, out Handle<OpenFile> file)
    {
        OpenFileKind kind = Kind(ref thread, number, out file);
        if (kind > OpenFileKind.Clear)
        {
            OpenFiles.AddReference(file);
        }

        return kind;
    }

    /// <summary>End of a use of a file that the enclave serves; passes the call's result on.</summary>
    public static long Done(Handle<OpenFile> file, long result)
    {
        OpenFiles.Release(file);
        return result;
    }

    /// <summary>Before a call that makes descriptors. False: no memory, or dying.</summary>
    public static bool Reserve(ref Thread thread) => Frames.Reserve(ref thread, WorkFrames);

    /// <summary>
    /// Records what the OS answered to a call that makes a descriptor of <paramref name="file"/>; takes over the caller's reference.
    /// Returns the number or -errno.
    /// </summary>
    public static long Record(ref Thread thread, long result, Handle<OpenFile> file, bool closeOnExec)
    {
        if (result < 0)
        {
            OpenFiles.Release(file);
            return PlainCall.Checked(result);
        }

        ref DescriptorTable table = ref Table(ref thread);
        if (DescriptorPages.TryGet(ref table, (ulong)result, out Descriptor open) && open.MayBeGone)
        {
            // It was closed while the fork was under way.
            _ = DescriptorPages.TryClose(ref table, (ulong)result, out Handle<OpenFile> gone);
            OpenFiles.Release(gone);
            open = default;
        }

        if (result >= DescriptorPages.Limit || !open.File.IsNull)
        {
            OpenFiles.Release(file);
            return PlainCall.Lie();
        }

        if (!DescriptorPages.TryPrepare(ref table, (int)result))
        {
            OpenFiles.Release(file);
            _ = Gate.Call(ref thread, Sys.close, (ulong)result);
            return -Errno.ENOMEM;
        }

        DescriptorPages.Open(ref table, (int)result, file, closeOnExec);
        return result;
    }

    /// <summary>Records a descriptor that the OS serves: the number or -errno.</summary>
    public static long RecordClear(ref Thread thread, long result, bool closeOnExec)
    {
        if (result < 0)
        {
            return PlainCall.Checked(result);
        }

        if (!OpenFiles.TryMake(OpenFileKind.Clear, OpenFlags.ReadWrite, out Handle<OpenFile> file))
        {
            _ = Gate.Call(ref thread, Sys.close, (ulong)result);
            return -Errno.ENOMEM;
        }

        return Record(ref thread, result, file, closeOnExec);
    }

    /// <summary>Takes a descriptor back that the program never saw (its number could not be written): closes it on both sides.</summary>
    public static void Withdraw(ref Thread thread, long number)
    {
        if (DescriptorPages.TryClose(ref Table(ref thread), (ulong)number, out Handle<OpenFile> file))
        {
            _ = Gate.Call(ref thread, Sys.close, (ulong)number);
            OpenFiles.Release(file);
        }
    }

    /// <summary>For tests, which start with new memory.</summary>
    internal static void Reset()
    {
        Lies = 0;
        ClearFiles.AnyMapped = false;
        ProtectedImage.Reset();
        Pool<OpenFile>.Reset();
        Pool<StoredPath>.Reset();
        Pool<DescriptorTable>.Reset();
        Pool<FileSystemInfo>.Reset();
        Pool<SharedName>.Reset();
        Pool<Channel>.Reset();
        Pool<Message>.Reset();
        Pool<QueueBlock>.Reset();
        Pool<PassedFiles>.Reset();
        SharedNames.Reset();
    }

    /// <summary>
    /// What mmap needs of a descriptor: the object, with one user for the caller, if the enclave has it. 1: filled; 0: a clear file, ask the OS;
    /// or -EBADF, -EACCES, -ENODEV.
    /// </summary>
    public static long TryGetObject(ref Thread thread, int number, out MappableFile mappable)
    {
        mappable = default;
        if (Pool<Process>.Get(thread.Process).Files.IsNull)
        {
            // A process without a table yet: all is the OS's.
            return 0;
        }

        OpenFileKind kind = Kind(ref thread, (uint)number, out Handle<OpenFile> handle);
        switch (kind)
        {
            case OpenFileKind.None:
                return -Errno.EBADF;
            case OpenFileKind.Clear:
                ClearFiles.AnyMapped = true;
                return 0;
            case OpenFileKind.Channel or OpenFileKind.Entry:
                return -Errno.ENODEV;
            default:
                ref OpenFile file = ref Pool<OpenFile>.Get(handle);
                mappable.Object = file.Object;
                mappable.Readable = file.IsReadable;
                mappable.Writable = file.IsWritable;
                mappable.Appending = (file.Flags & OpenFlags.Append) != 0;
                MemoryObjects.AddReference(file.Object);
                return 1;
        }
    }
}
