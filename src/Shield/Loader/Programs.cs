using System;

namespace BlackBox.Shield;

/// <summary>A program that only has to be entered: verified, mapped, with its stack.</summary>
internal struct PreparedProgram
{
    public Handle<AddressSpace> Space;

    /// <summary>First instruction: the interpreter's, or the program's own.</summary>
    public ulong Entry;
    public ulong Stack;

    public ulong ProgramEntry;
    public ulong HeadersAddress;
    public int HeaderCount;
    public ulong InterpreterBase;
    public ulong Uid;
    public ulong EffectiveUid;
    public ulong Gid;
    public ulong EffectiveGid;

    /// <summary>PT_GNU_STACK asks for it, and the manifest allows code made at run time.</summary>
    public bool HasExecutableStack;

    /// <summary>File-table record of the program (after `#!`).</summary>
    public int Record;
}

/// <summary>From a path to a prepared program. Everything that can fail does so here, before Linux hears of the exec.</summary>
internal static class Programs
{
    /// <summary>`#!` lines followed at most (BINPRM: 5 levels).</summary>
    private const int MaxScripts = 5;

    /// <summary>Bytes of an interpreter's path at most; longer ones are refused.</summary>
    private const int LongestInterpreter = 256;

    /// <summary>Where a position-independent program with an interpreter goes (ELF_ET_DYN_BASE: two thirds of the space).</summary>
    private const ulong DynamicBase = UserLayout.Top / 3 * 2;
    private const int DynamicRandomBits = 24;

    /// <summary>The heap begins up to 32 MiB above the program.</summary>
    private const int HeapRandomBits = 13;

    /// <summary>
    /// Resolves, verifies and maps. <paramref name="strings"/> may be rewritten by `#!`; its path becomes the canonical one.
    /// Returns 0 or -errno; nothing is left behind on failure. Calls the OS.
    /// </summary>
    public static long Prepare(ref Thread thread, ref ArgumentStrings strings, out PreparedProgram program)
    {
        program = default;
        Span<byte> canonical = stackalloc byte[Paths.Longest + 1];
        long length = FollowScripts(ref thread, ref strings, canonical, out program.Record);
        if (length < 0)
        {
            return length;
        }

        long result = ProtectedFiles.Open(ref thread, program.Record, canonical[..(int)length], out Handle<MemoryObject> file);
        if (result < 0)
        {
            return result;
        }

        result = MapAll(ref thread, file, ref strings, ref program);
        MemoryObjects.Release(file);
        if (result < 0)
        {
            Discard(ref program);
        }

        return result;
    }

    /// <summary>
    /// Resolves the path; as long as it names a script, rewrites <paramref name="strings"/> as its `#!` line says. Returns the length of the
    /// canonical path of the program proper, or -errno. Calls the OS.
    /// </summary>
    public static long FollowScripts(ref Thread thread, ref ArgumentStrings strings, Span<byte> canonical, out int record)
    {
        for (int scripts = 0; ; scripts++)
        {
            long length = Resolve(ref thread, strings.Path, canonical, out record);
            if (length < 0 || !FileTable.Record(record).IsScript)
            {
                return length;
            }

            if (scripts == MaxScripts)
            {
                return -Errno.ELOOP;
            }

            long rewritten = Scripts.Rewrite(ref thread, record, canonical[..(int)length], ref strings);
            if (rewritten < 0)
            {
                return rewritten;
            }
        }
    }

    public static void Discard(ref PreparedProgram program)
    {
        if (!program.Space.IsNull)
        {
            AddressSpaces.Release(program.Space);
            program.Space = default;
        }
    }

    /// <summary>Canonical path of the program for Linux's execve, which finds the image's own file there. Returns its length or -errno.</summary>
    public static long OsPath(ref Thread thread, ref ArgumentStrings strings, Span<byte> path) => Resolve(ref thread, strings.Path, path, out _);

    /// <summary>
    /// Resolves a path (relative: to the working directory) to a listed file with execute permission. Returns the canonical length
    /// or -errno; EACCES also for what the manifest does not list.
    /// </summary>
    private static long Resolve(ref Thread thread, ReadOnlySpan<byte> path, Span<byte> canonical, out int record)
    {
        long length = ResolveAny(ref thread, path, canonical, out record);
        if (length < 0)
        {
            return length;
        }

        const uint AnyExecute = 0x49;
        if (record < 0)
        {
            return Unlisted(ref thread, canonical[..(int)length]);
        }

        ref readonly FileRecord entry = ref FileTable.Record(record);
        return (entry.IsCode || entry.IsScript) && (entry.Mode & AnyExecute) != 0 ? length : -Errno.EACCES;
    }

    /// <summary>Resolves a path, relative to the working directory if it does not begin with a slash. Canonical length or -errno.</summary>
    public static long ResolveAny(ref Thread thread, ReadOnlySpan<byte> path, Span<byte> canonical, out int record)
    {
        record = -1;
        if (path.Length == 0)
        {
            return -Errno.ENOENT;
        }

        if (path[0] == (byte)'/')
        {
            return ProgramLink.Follow(ref thread, Paths.Resolve(ref thread, path, canonical, follow: true, out record), canonical, ref record);
        }

        // Kernel stacks are small: one path, which limits directory and path together.
        Span<byte> absolute = stackalloc byte[PathWork.MaxPath];
        int at = FileSystems.CopyDirectory(ref thread, PathWork.CurrentDirectory, absolute);
        if (at < 0)
        {
            return -Errno.ENOENT;
        }

        if (path.Length > absolute.Length - at - 1)
        {
            return -Errno.ENAMETOOLONG;
        }

        absolute[at++] = (byte)'/';
        path.CopyTo(absolute[at..]);
        long length = Paths.Resolve(ref thread, absolute[..(at + path.Length)], canonical, follow: true, out record);
        return ProgramLink.Follow(ref thread, length, canonical, ref record);
    }

    /// <summary>
    /// It may exist for the OS, but it is no program of this image. Outside of the image the OS's word serves only for the error: a search along PATH needs to
    /// know what is not there at all.
    /// </summary>
    private static long Unlisted(ref Thread thread, ReadOnlySpan<byte> path)
    {
        if (!OutsidePaths.Covers(path))
        {
            ProtectedImage.Trace(path, "is not in the image"u8);
            return -Errno.ENOENT;
        }

        Span<byte> name = stackalloc byte[Paths.Longest + 2];
        path.CopyTo(name);
        name[path.Length] = 0;
        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryPut(name[..(path.Length + 1)], out ulong address))
        {
            return -Errno.ENAMETOOLONG;
        }

        long exists = Gate.Call(ref thread, Sys.faccessat, PathWork.CurrentDirectory, address);
        if (exists is -Errno.ENOENT or -Errno.ENOTDIR or -Errno.EACCES or -Errno.ELOOP or -Errno.ENAMETOOLONG or -Errno.Dying)
        {
            return exists;
        }

        ProtectedImage.Report(path, "not listed in the manifest, not executed"u8);
        return -Errno.EACCES;
    }

    private static long MapAll(ref Thread thread, Handle<MemoryObject> file, ref ArgumentStrings strings, ref PreparedProgram program)
    {
        long result = Read(ref thread, file, out ElfProgram main);
        if (result < 0)
        {
            return result;
        }

        Handle<MemoryObject> interpreter = default;
        ElfProgram loader = default;
        if (main.InterpreterLength != 0)
        {
            result = OpenInterpreter(ref thread, file, main, out interpreter);
            if (result == 0)
            {
                result = Read(ref thread, interpreter, out loader);
            }
        }

        if (result == 0)
        {
            result = Fill(ref thread, file, main, interpreter, loader, ref program);
        }

        if (!interpreter.IsNull)
        {
            MemoryObjects.Release(interpreter);
        }

        if (result < 0)
        {
            return result;
        }

        AskCredentials(ref thread, ref program);
        program.HasExecutableStack = main.WantsExecutableStack;
        long stack = InitialStack.Build(ref thread, program, ref strings);
        program.Stack = (ulong)stack;
        return stack < 0 ? stack : 0;
    }

    private static long Fill(
        ref Thread thread, Handle<MemoryObject> file, in ElfProgram main, Handle<MemoryObject> interpreter, in ElfProgram loader, ref PreparedProgram program)
    {
        if (!Frames.Reserve(ref thread, 32) || !AddressSpaces.TryCreate(out program.Space))
        {
            return -Errno.ENOMEM;
        }

        AddressSpaces.ChooseBases(program.Space, Pool<Process>.Get(thread.Process).StackLimit);
        ulong place = main.IsPositionIndependent && !interpreter.IsNull
            ? DynamicBase + (AddressSpaces.RandomPages(DynamicRandomBits) << UserLayout.PageShift)
            : 0;
        place = UserLayout.PageFloor(place);
        long result = ElfLoading.Map(ref thread, program.Space, file, main, place, out ulong bias);
        if (result < 0)
        {
            return result;
        }

        program.ProgramEntry = main.Entry + bias;
        program.Entry = program.ProgramEntry;
        program.HeadersAddress = main.HeadersAddress + bias;
        program.HeaderCount = main.SegmentCount;
        ref AddressSpace space = ref Pool<AddressSpace>.Get(program.Space);
        space.Program = program.Record + 1;

        // A position-independent program without an interpreter stands where mappings go: its heap has no room there (binfmt_elf.c).
        ulong end = main.IsPositionIndependent && interpreter.IsNull ? UserLayout.PageFloor(DynamicBase) : main.High + bias;
        space.HeapStart = end + (AddressSpaces.RandomPages(HeapRandomBits) << UserLayout.PageShift);
        space.Heap = space.HeapStart;
        if (!interpreter.IsNull)
        {
            result = ElfLoading.Map(ref thread, program.Space, interpreter, loader, 0, out ulong loaderBias);
            if (result < 0)
            {
                return result;
            }

            program.InterpreterBase = loader.Low + loaderBias;
            program.Entry = loader.Entry + loaderBias;
        }

        return Trampoline.TryMap(ref thread, program.Space) ? 0 : -Errno.ENOMEM;
    }

    private static long OpenInterpreter(ref Thread thread, Handle<MemoryObject> file, in ElfProgram main, out Handle<MemoryObject> interpreter)
    {
        interpreter = default;
        long result = ElfLoading.FirstPage(ref thread, file, out FrameAddress first);
        if (result < 0)
        {
            return result;
        }

        // The page may go when the OS is called: the path is copied.
        Span<byte> name = stackalloc byte[LongestInterpreter];
        if (main.InterpreterLength > name.Length)
        {
            return -Errno.ENAMETOOLONG;
        }

        name = name[..main.InterpreterLength];
        Frames.Bytes(first).Slice(main.InterpreterAt, main.InterpreterLength).CopyTo(name);
        Span<byte> canonical = stackalloc byte[Paths.Longest + 1];
        long length = Paths.Resolve(ref thread, name, canonical, follow: true, out int record);
        if (length < 0 || record < 0 || !FileTable.Record(record).IsCode)
        {
            ProtectedImage.Report(name, "interpreter is not listed in the manifest"u8);
            return length < 0 ? length : -Errno.ENOENT;
        }

        return ProtectedFiles.Open(ref thread, record, canonical[..(int)length], out interpreter);
    }

    private static long Read(ref Thread thread, Handle<MemoryObject> file, out ElfProgram program)
    {
        program = default;
        long result = ElfLoading.FirstPage(ref thread, file, out FrameAddress first);
        if (result < 0)
        {
            return result;
        }

        if (!ElfProgram.TryParse(Frames.Bytes(first), Pool<MemoryObject>.Get(file).Size, out program))
        {
            return -Errno.ENOEXEC;
        }

        // An executable stack is code that nobody verified.
        return program.WantsExecutableStack && !CodePolicy.AllowsUnverified ? -Errno.EACCES : 0;
    }

    /// <summary>The OS's word on who the process is; it decides nothing here.</summary>
    private static void AskCredentials(ref Thread thread, ref PreparedProgram program)
    {
        program.Uid = (uint)Gate.Call(ref thread, Sys.getuid);
        program.EffectiveUid = (uint)Gate.Call(ref thread, Sys.geteuid);
        program.Gid = (uint)Gate.Call(ref thread, Sys.getgid);
        program.EffectiveGid = (uint)Gate.Call(ref thread, Sys.getegid);
    }
}
