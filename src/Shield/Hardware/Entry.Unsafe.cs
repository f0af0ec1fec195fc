using System;
using System.Runtime;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BlackBox.Cryptography;

namespace BlackBox.Shield;

/// <summary>What the boot stub leaves (Start/Layout.inc).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BootInformation
{
    public ulong Image;
    public ulong Base;
    public ulong Bytes;
    public ulong Used;
    public ulong Level2;
    public ulong EmptyRoot;
    public ulong Buffer;
    public ulong BufferBytes;
    public ulong Task;
    public ulong CommandLine;
}

/// <summary>Where assembly enters C#.</summary>
internal static unsafe class Entry
{
    private const ulong SlotTop = 0xFFFF_FFFF_C401_0000;

    [RuntimeExport("shield_main")]
    private static void Main(UserRegisters* registers, BootInformation* boot)
    {
        _ = registers;
        // The routines keep the program's vector registers (src/Cryptography/Assembly).
        new InstructionSet(Hardware.InstructionFeatures).Use();
        Stacks.Start(boot->Level2);
        Hardware.SetCommandLine(boot->CommandLine);
        Boot.Start(boot->Used, boot->Base + boot->Bytes);
        ref Thread thread = ref Boot.MakeFirstThread(SlotTop - UserRegisters.Size, boot->Buffer, boot->BufferBytes, boot->Task);
        Hardware.SetCurrentThread(ref thread);
        KernelLock.Acquire();
        Boot.StartFirstProgram(ref thread);
        Dispatcher.Leave(ref thread);
    }

    [RuntimeExport("shield_exception")]
    private static void Exception(ulong kind, ulong syndrome, ulong address) =>
        Dispatcher.Enter(ref Hardware.CurrentThread, (EntryKind)kind, syndrome, address);

    [RuntimeExport("shield_begin_thread")]
    private static void BeginThread(ulong argument, ulong buffer, ulong bufferBytes, ulong task)
    {
        ref Thread thread = ref Unsafe.AsRef<Thread>((void*)argument);
        Hardware.SetCurrentThread(ref thread);
        CloneCalls.Begin(ref thread, buffer, bufferBytes, task);
    }

    /// <summary>An exception inside the shield: a bug. Says where, as far as a line allows.</summary>
    [RuntimeExport("shield_fault")]
    private static void Fault(ulong kind, ulong syndrome, ulong where, ulong address, ulong stack, ulong frame)
    {
        LineWriter line = default;
        line.Write("exception "u8);
        line.WriteHexadecimal(kind);
        line.Write(" esr "u8);
        line.WriteHexadecimal(syndrome);
        line.Write(" at "u8);
        line.WriteHexadecimal(where);
        line.Write(" far "u8);
        line.WriteHexadecimal(address);
        line.Write(" sp "u8);
        line.WriteHexadecimal(stack);
        WriteCallers(ref line, (ulong*)frame, stack);
        Panic.Stop(PanicReason.Exception, line.Text);
    }

    /// <summary>A failed check of compiled code.</summary>
    [RuntimeExport("bb_panic")]
    private static void OnPanic(byte* text, nuint length, nuint returnAddress, nuint frame)
    {
        LineWriter line = default;
        line.Write(new ReadOnlySpan<byte>(text, (int)Math.Min(length, 80)));
        line.Write(" at "u8);
        line.WriteHexadecimal(returnAddress);
        WriteCallers(ref line, (ulong*)frame, frame);
        Panic.Stop(PanicReason.Check, line.Text);
    }

    private static void WriteCallers(ref LineWriter line, ulong* frame, ulong stack)
    {
        for (int i = 0; i < 4; i++)
        {
            ulong at = (ulong)frame;
            if (at < stack || at - stack >= 0x8000 || (at & 7) != 0)
            {
                return;
            }

            line.Write(" < "u8);
            line.WriteHexadecimal(frame[1]);
            frame = (ulong*)frame[0];
        }
    }
}
