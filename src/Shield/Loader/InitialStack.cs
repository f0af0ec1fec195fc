using System;

namespace BlackBox.Shield;

/// <summary>What the program finds on its stack: argc, argv, envp, auxiliary vector, strings (AAPCS64; Linux: create_elf_tables).</summary>
internal static class InitialStack
{
    /// <summary>Bytes mapped at first; it grows on demand.</summary>
    private const ulong StartBytes = 132 << 10;
    private const ulong StackPad = 256;
    private const ulong LeastArgumentBytes = 128 << 10;
    private const ulong MostArgumentBytes = 6 << 20;

    private const ulong AtPhdr = 3;
    private const ulong AtPhent = 4;
    private const ulong AtPhnum = 5;
    private const ulong AtPagesz = 6;
    private const ulong AtBase = 7;
    private const ulong AtFlags = 8;
    private const ulong AtEntry = 9;
    private const ulong AtUid = 11;
    private const ulong AtEuid = 12;
    private const ulong AtGid = 13;
    private const ulong AtEgid = 14;
    private const ulong AtPlatform = 15;
    private const ulong AtHwcap = 16;
    private const ulong AtClktck = 17;
    private const ulong AtSecure = 23;
    private const ulong AtRandom = 25;
    private const ulong AtHwcap2 = 26;
    private const ulong AtExecfn = 31;
    private const ulong AtMinsigstksz = 51;
    private const int AuxiliaryPairs = 20;
    private const ulong ClockTicks = 100;
    private const ulong MinimumSignalStack = 4720;

    /// <summary>Builds it and returns the stack pointer, or -errno. May call the OS.</summary>
    public static long Build(ref Thread thread, in PreparedProgram program, ref ArgumentStrings strings)
    {
        Handle<AddressSpace> space = program.Space;
        ref AddressSpace target = ref Pool<AddressSpace>.Get(space);
        ulong top = target.StackTop;
        ulong stringBytes = (ulong)(strings.PathBytes + strings.Strings.Length);
        ulong vectorBytes = (ulong)((strings.ArgumentCount + strings.EnvironmentCount + 3 + (2 * AuxiliaryPairs)) * sizeof(ulong));
        ulong needed = stringBytes + vectorBytes + StackPad;

        // A quarter of the stack, at most 6 MiB, but always 128 KiB (fs/exec.c: bprm_stack_limits).
        if (needed > Math.Max(LeastArgumentBytes, Math.Min(target.StackLimit / 4, MostArgumentBytes)))
        {
            return -Errno.E2BIG;
        }

        ulong mapped = UserLayout.PageCeiling(Math.Max(StartBytes, needed + (4 * UserLayout.PageBytes)));
        MapRequest request = new()
        {
            Address = top - mapped,
            Length = mapped,
            Fixed = true,
            Protection = Protection.Read | Protection.Write | (program.HasExecutableStack ? Protection.Execute : 0),
            Maximum = CodePolicy.Limit(default, Protection.Read | Protection.Write, Protection.All),
            Flags = AreaFlags.GrowsDown,
        };
        long place = Frames.Reserve(ref thread, 16) ? Mapping.Map(space, in request) : -Errno.ENOMEM;
        if (place < 0)
        {
            return place;
        }

        return Write(ref thread, program, ref strings, top, stringBytes, vectorBytes);
    }

    private static long Write(
        ref Thread thread, in PreparedProgram program, ref ArgumentStrings strings, ulong top, ulong stringBytes, ulong vectorBytes)
    {
        Handle<AddressSpace> space = program.Space;
        Span<byte> random = stackalloc byte[16];
        Hardware.Random(random);
        Span<byte> platform = stackalloc byte[8];
        "aarch64\0"u8.CopyTo(platform);

        // From the top: 8 zero bytes, platform and random, the strings, then the vector.
        ulong randomAt = top - 8 - 16;
        ulong platformAt = randomAt - 8;
        ulong pathAt = platformAt - stringBytes;
        ulong stringsAt = pathAt + (ulong)strings.PathBytes;
        ulong stack = (pathAt - vectorBytes) & ~15UL;
        if (!SpaceMemory.TryWrite(ref thread, space, randomAt, random) || !SpaceMemory.TryWrite(ref thread, space, platformAt, platform)
            || !SpaceMemory.TryWrite(ref thread, space, pathAt, strings.Path) || !SpaceMemory.TryWrite(ref thread, space, stringsAt, strings.Strings))
        {
            return -Errno.ENOMEM;
        }

        VectorWriter writer = new(space, stack);
        writer.Put(ref thread, (ulong)strings.ArgumentCount);
        ulong at = stringsAt;
        writer.PutPointers(ref thread, strings.Arguments, strings.ArgumentCount, ref at);
        writer.PutPointers(ref thread, strings.Environment, strings.EnvironmentCount, ref at);
        writer.Pair(ref thread, AtPhdr, program.HeadersAddress);
        writer.Pair(ref thread, AtPhent, ElfSegment.Bytes);
        writer.Pair(ref thread, AtPhnum, (ulong)program.HeaderCount);
        writer.Pair(ref thread, AtPagesz, UserLayout.PageBytes);
        writer.Pair(ref thread, AtBase, program.InterpreterBase);
        writer.Pair(ref thread, AtFlags, 0);
        writer.Pair(ref thread, AtEntry, program.ProgramEntry);
        writer.Pair(ref thread, AtUid, program.Uid);
        writer.Pair(ref thread, AtEuid, program.EffectiveUid);
        writer.Pair(ref thread, AtGid, program.Gid);
        writer.Pair(ref thread, AtEgid, program.EffectiveGid);
        writer.Pair(ref thread, AtPlatform, platformAt);
        writer.Pair(ref thread, AtHwcap, Hwcap.Value);
        writer.Pair(ref thread, AtHwcap2, 0);
        writer.Pair(ref thread, AtClktck, ClockTicks);
        writer.Pair(ref thread, AtSecure, 0);
        writer.Pair(ref thread, AtRandom, randomAt);
        writer.Pair(ref thread, AtExecfn, pathAt);
        writer.Pair(ref thread, AtMinsigstksz, MinimumSignalStack);
        writer.Pair(ref thread, 0, 0);
        return writer.Failed ? -Errno.ENOMEM : (long)stack;
    }

    /// <summary>Writes words upwards; remembers a failure.</summary>
    private ref struct VectorWriter(Handle<AddressSpace> space, ulong at)
    {
        private readonly Handle<AddressSpace> space = space;
        private ulong at = at;

        public bool Failed { get; private set; }

        public void Put(ref Thread thread, ulong value)
        {
            Failed |= !SpaceMemory.TryWrite(ref thread, space, at, value);
            at += sizeof(ulong);
        }

        public void Pair(ref Thread thread, ulong key, ulong value)
        {
            Put(ref thread, key);
            Put(ref thread, value);
        }

        /// <summary>Addresses of the strings of a list that stands at <paramref name="address"/>, and a null pointer.</summary>
        public void PutPointers(ref Thread thread, ReadOnlySpan<byte> list, int count, ref ulong address)
        {
            for (int i = 0; i < count; i++)
            {
                Put(ref thread, address);
                address += (ulong)ArgumentStrings.Next(ref list).Length + 1;
            }

            Put(ref thread, 0);
        }
    }
}
