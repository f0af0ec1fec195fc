using System;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>
/// The shield's door to the machine: memory through the direct map, hypercalls, system registers. Portable code reaches
/// them by this class only; the ordinary library has another one (Hosted/Hardware.cs).
/// </summary>
internal static unsafe class Hardware
{
    /// <summary>EL1 virtual address of IPA 0, and the first IPA beyond the map.</summary>
    private const ulong DirectMap = 0xFFFF_FF80_0000_0000;
    private const ulong DirectMapEnd = 511UL << 30;

    /// <summary>Calls forwarded since start.</summary>
    public static ulong Forwarded;

    private static ulong _commandLine;

    /// <summary>Bytes at an IPA, private or lent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Span<byte> Memory(ulong address, int length) => MemoryMarshal.CreateSpan(ref *(byte*)Mapped(address, length), length);

    /// <summary>The 512 words of a frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Span<ulong> Words(ulong address) =>
        MemoryMarshal.CreateSpan(ref *(ulong*)Mapped(address, FrameAddress.Size), FrameAddress.Size / sizeof(ulong));

    /// <summary>What stands at an IPA.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref T Reference<T>(ulong address)
        where T : unmanaged => ref Unsafe.AsRef<T>((void*)Mapped(address, Unsafe.SizeOf<T>()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mapped(ulong address, int length)
    {
        if (length < 0 || address > DirectMapEnd - (ulong)length)
        {
            OutsideMap();
        }

        return DirectMap + address;
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void OutsideMap() => Panic.Stop(PanicReason.Invariant, "address outside the direct map"u8);

    public static ref T KernelReference<T>(ulong address)
        where T : unmanaged => ref Unsafe.AsRef<T>((void*)address);

    /// <summary>EL1 virtual address of what stands at an IPA.</summary>
    public static ulong KernelAddress(ulong ipa) => DirectMap + ipa;

    public static void ZeroFrame(ulong address) => ZeroFrameAt(DirectMap + address);

    /// <summary>Handle of the task that runs here.</summary>
    public static ulong CurrentTask
    {
        get => CurrentThread.TaskHandle;
        set => CurrentThread.TaskHandle = value;
    }

    /// <summary>EL1 virtual address of a pool's entry.</summary>
    public static ulong AddressOf(ref Thread thread) => (ulong)Unsafe.AsPointer(ref thread);

    /// <summary>The thread that runs here.</summary>
    public static ref Thread CurrentThread => ref Unsafe.AsRef<Thread>((void*)GetThread());

    /// <summary>Makes a pool's entry the thread of this task (TPIDR_EL1).</summary>
    public static void SetCurrentThread(ref Thread thread) => SetThread((ulong)Unsafe.AsPointer(ref thread));

    public static void OsCall(ulong number, ulong a0, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5, out OsReturn back)
    {
        OsReturn result;
        OsCallRaw(number, a0, a1, a2, a3, a4, a5, &result);
        back = result;
    }

    public static void OsFault(ulong address, out OsReturn back)
    {
        OsReturn result;
        OsFaultRaw(address, &result);
        back = result;
    }

    public static bool IsEventPending => EventPending() != 0;

    /// <summary>Bits of the pending event, which it clears.</summary>
    public static ulong EventGet(out ulong signal, out ulong frame)
    {
        ulong* results = stackalloc ulong[2];
        ulong bits = EventGetRaw(results);
        signal = results[0];
        frame = results[1];
        return bits;
    }

    /// <summary>Fills with random bytes of the monitor's generator.</summary>
    public static void Random(Span<byte> to)
    {
        ulong* block = stackalloc ulong[4];
        while (to.Length > 0)
        {
            RandomRaw(block);
            int step = Math.Min(to.Length, 32);
            new ReadOnlySpan<byte>(block, step).CopyTo(to);
            to = to[step..];
        }
    }

    /// <summary>Stops the enclave.</summary>
    [DoesNotReturn]
    public static void Stop(ulong reason, ReadOnlySpan<byte> text)
    {
        _ = StopRaw(reason, Translate(text, out int length), (ulong)length);
        while (true)
        {
            SpinHint();
        }
    }

    /// <summary>An audit record about the image; in development builds also a line on the monitor's console.</summary>
    /// <param name="file">number in the file table, or all ones</param>
    public static void Log(ReadOnlySpan<byte> text, ulong file) => _ = LogRaw(Translate(text, out int length), (ulong)length, file);

    /// <summary>The kernel's command line, as the monitor got it from the boot loader; zeros follow.</summary>
    public static ReadOnlySpan<byte> CommandLine => Memory(_commandLine, FrameAddress.Size);

    /// <summary>Start: where it is.</summary>
    public static void SetCommandLine(ulong address) => _commandLine = address;

    /// <summary>Decrypts a WrappedKey in place.</summary>
    /// <param name="report">32 bytes: SHA-256 of what the shield will say in evidence</param>
    public static long UnwrapKey(ulong ipa, ReadOnlySpan<byte> report) => UnwrapKeyRaw(
        ipa, BinaryPrimitives.ReadUInt64LittleEndian(report), BinaryPrimitives.ReadUInt64LittleEndian(report[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(report[16..]), BinaryPrimitives.ReadUInt64LittleEndian(report[24..]));

    /// <summary>Makes evidence of the AttestBuffer in a frame.</summary>
    public static long Attest(ulong ipa, ulong reportLength, out ulong length)
    {
        ulong written = 0;
        long status = AttestRaw(ipa, reportLength, &written);
        length = written;
        return status;
    }

    /// <summary>TPIDR_EL0, the program's own.</summary>
    public static ulong ThreadPointer
    {
        get => GetThreadPointer();
        set => SetThreadPointer(value);
    }

    /// <summary>The program's FP/SIMD registers: 528 bytes, q0 to q31, FPSR, FPCR (8 bytes each).</summary>
    public static void SaveVectors(ref Thread thread, Span<byte> to)
    {
        Span<byte> target = to[..VectorBytes];
        fixed (byte* place = target)
        {
            SaveVectorsRaw(place);
        }

        MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref thread.Registers.V16Low, 4)).CopyTo(target.Slice(256, 32));
    }

    public static void LoadVectors(ref Thread thread, ReadOnlySpan<byte> from)
    {
        ReadOnlySpan<byte> source = from[..VectorBytes];
        fixed (byte* place = source)
        {
            LoadVectorsRaw(place);
        }

        source.Slice(256, 32).CopyTo(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref thread.Registers.V16Low, 4)));
    }

    public const int VectorBytes = 528;

    /// <summary>Address at which the ticket of a new thread starts it.</summary>
    public static ulong ThreadEntry => GetThreadEntry();

    /// <summary>Releases the lock and makes the thread's last call; runs without a stack from there on.</summary>
    [DoesNotReturn]
    public static void EndThread(Sys number, ulong a0, ulong a1)
    {
        EndThreadRaw((ulong*)Unsafe.AsPointer(ref KernelLock.Word), (ulong)number, a0, a1);
        while (true)
        {
        }
    }

    /// <summary>IPA of a text, and how much of it stands in that frame.</summary>
    private static ulong Translate(ReadOnlySpan<byte> text, out int length)
    {
        ulong address = (ulong)Unsafe.AsPointer(ref MemoryMarshal.GetReference(text));
        length = Math.Min(text.Length, FrameAddress.Size - (int)(address & (FrameAddress.Size - 1)));
        return TranslateRaw(address);
    }

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_os_call")]
    private static extern void OsCallRaw(ulong number, ulong a0, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5, OsReturn* back);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_os_fault")]
    private static extern void OsFaultRaw(ulong address, OsReturn* back);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_event_get")]
    private static extern ulong EventGetRaw(ulong* results);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_random")]
    private static extern void RandomRaw(ulong* results);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_event_pending")]
    private static extern ulong EventPending();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_stop")]
    private static extern long StopRaw(ulong reason, ulong text, ulong length);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_log")]
    private static extern long LogRaw(ulong text, ulong length, ulong file);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_unwrap_key")]
    private static extern long UnwrapKeyRaw(ulong ipa, ulong report0, ulong report1, ulong report2, ulong report3);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_attest")]
    private static extern long AttestRaw(ulong ipa, ulong reportLength, ulong* length);

    /// <summary>Granted frames become private.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_accept_memory")]
    public static extern long AcceptMemory(ulong address, ulong frames);

    /// <summary>Private frames are given up.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_release_memory")]
    public static extern long ReleaseMemory(ulong address, ulong frames);

    /// <summary>One child of this task may start at the entry, with this stack and x0.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_ticket_issue")]
    public static extern long TicketIssue(ulong entry, ulong stack, ulong argument);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_ticket_cancel")]
    public static extern long TicketCancel();

    /// <summary>Runs a preempted holder of the lock on this CPU.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_yield_to")]
    public static extern long YieldTo(ulong task);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_yield_back")]
    public static extern void YieldBack();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_spin_hint")]
    public static extern void SpinHint();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_table_barrier")]
    public static extern void TableBarrier();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_zero_frame")]
    private static extern void ZeroFrameAt(ulong address);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_thread")]
    private static extern ulong GetThread();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_set_thread")]
    private static extern void SetThread(ulong address);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_thread_pointer")]
    private static extern ulong GetThreadPointer();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_set_thread_pointer")]
    private static extern void SetThreadPointer(ulong value);

    /// <summary>ID_AA64ISAR0_EL1.</summary>
    public static ulong InstructionFeatures => ReadInstructionFeatures();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_instruction_features")]
    private static extern ulong ReadInstructionFeatures();

    /// <summary>CNTVCT_EL0.</summary>
    public static ulong Counter => ReadCounter();

    /// <summary>CNTFRQ_EL0, Hz.</summary>
    public static ulong CounterFrequency => ReadCounterFrequency();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_counter")]
    private static extern ulong ReadCounter();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_counter_frequency")]
    private static extern ulong ReadCounterFrequency();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_translate")]
    private static extern ulong TranslateRaw(ulong address);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_save_vectors")]
    private static extern void SaveVectorsRaw(byte* to);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_load_vectors")]
    private static extern void LoadVectorsRaw(byte* from);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_thread_entry")]
    private static extern ulong GetThreadEntry();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_end_thread")]
    private static extern void EndThreadRaw(ulong* word, ulong number, ulong a0, ulong a1);
}
