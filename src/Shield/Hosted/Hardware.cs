using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace BlackBox.Shield;

/// <summary>What a test's machine does at the shield's border.</summary>
internal interface IMachine
{
    OsReturn OsCall(ulong number, ReadOnlySpan<ulong> arguments);

    OsReturn OsFault(ulong address);

    ulong EventGet(out ulong signal, out ulong frame);

    bool IsEventPending { get; }

    long AcceptMemory(ulong address, ulong frames);

    long ReleaseMemory(ulong address, ulong frames);

    long TicketIssue(ulong entry, ulong stack, ulong argument);

    long TicketCancel();

    /// <summary>Decrypts the WrappedKey at an IPA in place.</summary>
    long UnwrapKey(ulong ipa, ReadOnlySpan<byte> report) => Status.Denied;

    /// <summary>Makes evidence of the AttestBuffer at an IPA.</summary>
    long Attest(ulong ipa, ulong reportLength, out ulong length)
    {
        length = 0;
        return Status.Denied;
    }

    /// <summary>A line on the monitor's console.</summary>
    void Log(string line) => Console.WriteLine(line);

    /// <summary>The kernel's command line.</summary>
    ReadOnlySpan<byte> CommandLine => default;

    /// <summary>Ticks of the counter, and their number in a second.</summary>
    ulong Counter => (ulong)System.Diagnostics.Stopwatch.GetTimestamp();

    ulong CounterFrequency => (ulong)System.Diagnostics.Stopwatch.Frequency;
}

/// <summary>The enclave was stopped by its shield.</summary>
internal sealed class ShieldStoppedException(PanicReason reason, string message) : Exception($"{reason}: {message}")
{
    public PanicReason Reason { get; } = reason;
}

/// <summary>A thread made its last call.</summary>
internal sealed class ThreadEndedException(Sys number, ulong a0, ulong a1) : Exception($"last call {number}({a0}, {a1})")
{
    public Sys Number { get; } = number;

    public ulong Argument0 { get; } = a0;

    public ulong Argument1 { get; } = a1;
}

/// <summary>
/// The shield's door to the machine, as an ordinary library sees it: IPAs index a block of native memory, hypercalls go to
/// a test's <see cref="IMachine"/>. The real one is Hardware/Hardware.Unsafe.cs.
/// </summary>
internal static unsafe class Hardware
{
    private static byte* memory;
    private static byte* lent;
    private static ulong bytes;
    private static ulong lentBytes;

    [ThreadStatic]
    private static ulong currentTask;

    public static IMachine Machine { get; set; } = null!;

    /// <summary>Calls forwarded since start.</summary>
    public static ulong Forwarded { get; set; }

    /// <summary>New memory: private IPAs [0, privateBytes), lent ones [LentBit, LentBit + lentBytes).</summary>
    public static void Start(IMachine machine, ulong privateBytes, ulong sharedBytes)
    {
        NativeMemory.AlignedFree(memory);
        NativeMemory.AlignedFree(lent);
        memory = (byte*)NativeMemory.AlignedAlloc((nuint)privateBytes, 4096);
        lent = (byte*)NativeMemory.AlignedAlloc((nuint)sharedBytes, 4096);
        new Span<byte>(memory, checked((int)privateBytes)).Fill(0xA5);
        new Span<byte>(lent, checked((int)sharedBytes)).Clear();
        bytes = privateBytes;
        lentBytes = sharedBytes;
        Machine = machine;
    }

    public static Span<byte> Memory(ulong address, int length)
    {
        bool isLent = (address & BufferLayout.LentBit) != 0;
        ulong offset = address & ~BufferLayout.LentBit;
        ulong limit = isLent ? lentBytes : bytes;
        if (length < 0 || offset > limit || (ulong)length > limit - offset)
        {
            throw new ShieldStoppedException(PanicReason.Exception, $"access to {address:x}");
        }

        return new Span<byte>((isLent ? lent : memory) + offset, length);
    }

    /// <summary>The 512 words of a frame.</summary>
    public static Span<ulong> Words(ulong address) => MemoryMarshal.Cast<byte, ulong>(Memory(address, FrameAddress.Size));

    /// <summary>What stands at an IPA.</summary>
    public static ref T Reference<T>(ulong address)
        where T : unmanaged => ref MemoryMarshal.AsRef<T>(Memory(address, Unsafe.SizeOf<T>()));

    public static ref T KernelReference<T>(ulong address)
        where T : unmanaged => ref Unsafe.AsRef<T>((void*)address);

    /// <summary>Address for <see cref="KernelReference{T}"/> of what stands at a private IPA.</summary>
    public static ulong KernelAddress(ulong ipa) => (ulong)(memory + ipa);

    /// <summary>Address of a pool's entry.</summary>
    public static ulong AddressOf(ref Thread thread) => (ulong)Unsafe.AsPointer(ref thread);

    public static void ZeroFrame(ulong address) => Memory(address, FrameAddress.Size).Clear();

    public static ulong CurrentTask { get => currentTask; set => currentTask = value; }

    public static void OsCall(ulong number, ulong a0, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5, out OsReturn back) =>
        back = Machine.OsCall(number, [a0, a1, a2, a3, a4, a5]);

    public static void OsFault(ulong address, out OsReturn back) => back = Machine.OsFault(address);

    public static bool IsEventPending => Machine.IsEventPending;

    public static ulong EventGet(out ulong signal, out ulong frame) => Machine.EventGet(out signal, out frame);

    public static long AcceptMemory(ulong address, ulong frames) => Machine.AcceptMemory(address, frames);

    public static long ReleaseMemory(ulong address, ulong frames) => Machine.ReleaseMemory(address, frames);

    public static long TicketIssue(ulong entry, ulong stack, ulong argument) => Machine.TicketIssue(entry, stack, argument);

    public static long TicketCancel() => Machine.TicketCancel();

    public static long YieldTo(ulong task) => Status.Denied;

    public static void YieldBack()
    {
    }

    public static void SpinHint() => System.Threading.Thread.Yield();

    public static void Random(Span<byte> to) => System.Security.Cryptography.RandomNumberGenerator.Fill(to);

    /// <summary>ID_AA64ISAR0_EL1 of a plain Armv8.0 CPU with CRC32 and LSE.</summary>
    public static ulong InstructionFeatures => 0x0021_0000;

    public static ulong Counter => Machine.Counter;

    public static ulong CounterFrequency => Machine.CounterFrequency;

    public static ulong ThreadPointer { get; set; }

    public static ulong ThreadEntry => 0x1000;

    /// <summary>A thread's last call: a test sees it as an exception.</summary>
    [DoesNotReturn]
    public static void EndThread(Sys number, ulong a0, ulong a1)
    {
        KernelLock.Release();
        throw new ThreadEndedException(number, a0, a1);
    }

    public const int VectorBytes = 528;

    /// <summary>FP/SIMD registers of the CPU: one for all threads of a test.</summary>
    public static readonly byte[] Vectors = new byte[VectorBytes];

    public static void SaveVectors(ref Thread thread, Span<byte> to) => Vectors.CopyTo(to);

    public static void LoadVectors(ref Thread thread, ReadOnlySpan<byte> from) => from[..VectorBytes].CopyTo(Vectors);

    public static long UnwrapKey(ulong ipa, ReadOnlySpan<byte> report) => Machine.UnwrapKey(ipa, report);

    public static long Attest(ulong ipa, ulong reportLength, out ulong length) => Machine.Attest(ipa, reportLength, out length);

    [DoesNotReturn]
    public static void Stop(ulong reason, ReadOnlySpan<byte> text) =>
        throw new ShieldStoppedException((PanicReason)reason, Encoding.ASCII.GetString(text));

    public static void Log(ReadOnlySpan<byte> text, ulong file) => Machine.Log(Encoding.ASCII.GetString(text));

    public static ReadOnlySpan<byte> CommandLine => Machine.CommandLine;
}
