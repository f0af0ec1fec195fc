using System;
using System.Buffers.Binary;
using System.Linq;
using System.Runtime.InteropServices;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>The frame on the program's stack: layout as arch/arm64/kernel/signal.c has it, and the way back.</summary>
public class SignalFrameTests
{
    private const ulong Stack = CallMachine.UserBase + (1 << 20);
    private const ulong Alternate = CallMachine.UserBase + (2 << 20);
    private const ulong AlternateBytes = 16 << 10;
    private const int FrameBytes = 4688;
    private const int Records = 592;

    [Fact]
    public void The_layout_is_that_of_Linux()
    {
        CallMachine machine = CallMachine.Start();
        ref Thread thread = ref machine.Thread;
        for (int i = 0; i < 31; i++)
        {
            thread.Registers.X[i] = 0x1000UL + (ulong)i;
        }

        thread.Registers.Sp = Stack + 8;
        thread.Registers.Pc = 0x40_0000;
        thread.Registers.Pstate = 0x6000_0000;
        thread.Signals.Mask = 0x55;
        thread.Signals.FaultAddress = 0xABC;
        thread.Signals.FaultSyndrome = 0x9200_0047;
        for (int i = 0; i < Hardware.VectorBytes; i++)
        {
            Hardware.Vectors[i] = (byte)i;
        }

        SignalInformation information = SignalInformation.Make(SignalNumber.Segmentation, 1, 0xABC);
        SignalAction action = new() { Handler = 0x50_0000, Restorer = 0x60_0000, Flags = SignalAction.RestorerGiven | SignalAction.Information };
        Assert.True(SignalFrame.TryPush(ref thread, SignalNumber.Segmentation, information, action));

        ulong link = (Stack + 8 - 16) & ~15UL;
        ulong frame = link - FrameBytes;
        Assert.Equal(frame, thread.Registers.Sp);
        Assert.Equal(0x50_0000UL, thread.Registers.Pc);
        Assert.Equal([11UL, frame, frame + 128], new[] { thread.Registers.X[0], thread.Registers.X[1], thread.Registers.X[2] });
        Assert.Equal(link, thread.Registers.X[29]);
        Assert.Equal(0x60_0000UL, thread.Registers.X[30]);
        Assert.Equal([0x1000UL + 29, 0x1000UL + 30], MemoryMarshal.Cast<byte, ulong>(machine.ReadUser(link, 16)).ToArray());

        byte[] bytes = machine.ReadUser(frame, FrameBytes);
        ulong At(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(offset));
        Assert.Equal(11UL, At(0) & 0xFFFF_FFFF);
        Assert.Equal(0x55UL, At(168));                       // uc_sigmask
        Assert.Equal(0xABCUL, At(304));                      // fault_address
        Assert.Equal(0x1000UL + 30, At(312 + (8 * 30)));
        Assert.Equal(Stack + 8, At(560));
        Assert.Equal(0x40_0000UL, At(568));
        Assert.Equal(0x6000_0000UL, At(576));
        Assert.Equal(0x210_4650_8001UL, At(Records));        // FPSIMD_MAGIC, 528 bytes
        Assert.Equal(Hardware.Vectors[..512], bytes[(Records + 16)..(Records + 528)]);
        Assert.Equal(0x10_4553_5201UL, At(Records + 528));   // ESR_MAGIC, 16 bytes
        Assert.Equal(0x9200_0047UL, At(Records + 536));
        Assert.Equal(0UL, At(Records + 544));
    }

    [Fact]
    public void Pop_puts_back_everything_that_push_took()
    {
        CallMachine machine = CallMachine.Start();
        Gen.Select(Gen.ULong.Array[40], Gen.Byte.Array[Hardware.VectorBytes], Gen.ULong, Gen.Int[0, 3], Gen.Bool).Sample(
            (words, vectors, mask, stackMode, saved) =>
            {
                ref Thread thread = ref machine.Thread;
                thread.Signals = default;
                for (int i = 0; i < 31; i++)
                {
                    thread.Registers.X[i] = words[i];
                }

                thread.Registers.Sp = Stack + (words[31] & 0xFFF);
                thread.Registers.Pc = words[32];
                thread.Registers.Pstate = words[33] & UserRegisters.UserStateMask;
                mask &= ~SignalNumber.Unblockable;
                thread.Signals.Mask = saved ? ~mask : mask;
                thread.Signals.SavedMask = mask;
                thread.Signals.HasSavedMask = saved;
                vectors.AsSpan(516, 4).Clear();
                vectors.AsSpan(524, 4).Clear();
                vectors.CopyTo(Hardware.Vectors, 0);
                if (stackMode > 0)
                {
                    thread.Signals.StackAddress = Alternate;
                    thread.Signals.StackBytes = AlternateBytes;
                    thread.Signals.StackFlags = stackMode == 2 ? SignalCalls.AutoDisarm : 0;
                    thread.Registers.Sp = stackMode == 3 ? Alternate + AlternateBytes - 64 : thread.Registers.Sp;
                }

                UserRegisters before = thread.Registers;
                SignalState state = thread.Signals;
                SignalAction action = new() { Handler = 0x1234, Flags = SignalAction.OnStack };
                Assert.True(SignalFrame.TryPush(ref thread, 10, SignalInformation.Make(10, 0, 0), action));
                bool onAlternate = thread.Registers.Sp - Alternate < AlternateBytes;
                Assert.Equal(stackMode > 0, onAlternate);
                Assert.Equal(stackMode == 2, thread.Signals.StackBytes == 0 && stackMode > 0);
                Assert.Equal(Trampoline.Address, thread.Registers.X[30]);
                Assert.Equal(0UL, thread.Registers.Sp & 15);

                Array.Fill(Hardware.Vectors, (byte)0xEE);
                thread.Signals.Mask = 77;
                thread.Signals.HasSavedMask = false;
                Assert.True(SignalFrame.TryPop(ref thread));
                Assert.Equal(MemoryMarshal.Cast<UserRegisters, ulong>(MemoryMarshal.CreateSpan(ref before, 1))[..34].ToArray(),
                    MemoryMarshal.Cast<UserRegisters, ulong>(MemoryMarshal.CreateSpan(ref thread.Registers, 1))[..34].ToArray());
                Assert.Equal(vectors, Hardware.Vectors);
                Assert.Equal(mask, thread.Signals.Mask);
                Assert.Equal(state.StackAddress, thread.Signals.StackAddress);
                Assert.Equal(state.StackBytes, thread.Signals.StackBytes);
            },
            iter: 200, threads: 1);
    }

    [Fact]
    public void A_frame_that_the_program_made_up_gives_no_power()
    {
        CallMachine machine = CallMachine.Start();
        Gen.Select(Gen.Int[0, FrameBytes - 1], Gen.Byte, Gen.Int[0, FrameBytes - 8], Gen.ULong).Array[1, 12].Sample(
            changes =>
            {
                ref Thread thread = ref machine.Thread;
                thread.Signals = default;
                thread.Registers.Pstate = 0;
                thread.Registers.Sp = Stack;
                Assert.True(SignalFrame.TryPush(ref thread, 10, SignalInformation.Make(10, 0, 0), new SignalAction { Handler = 4 }));
                ulong frame = thread.Registers.Sp;
                byte[] bytes = machine.ReadUser(frame, FrameBytes);
                foreach ((int at, byte value, int wide, ulong word) in changes)
                {
                    bytes[at] = value;
                    if ((word & 1) != 0)
                    {
                        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan((wide & 1) != 0 ? Records + (wide % 700) : wide), word);
                    }
                }

                machine.WriteUser(frame, bytes);
                _ = SignalFrame.TryPop(ref thread);
                Assert.Equal(0UL, thread.Registers.Pstate & ~UserRegisters.UserStateMask);
                Assert.Equal(0UL, thread.Signals.Mask & SignalNumber.Unblockable);
            },
            iter: 300, threads: 1);
    }

    [Theory]
    [InlineData(576, 0x5UL)]                    // EL1h
    [InlineData(576, 0x80UL)]                   // interrupts masked
    [InlineData(Records, 0x210_4650_8002UL)]    // unknown record
    [InlineData(Records, 0x200_4650_8001UL)]    // wrong size
    [InlineData(Records, 0UL)]                  // no FP/SIMD record
    [InlineData(Records + 528, 0x210_4650_8001UL)] // a second one
    [InlineData(Records + 528, 0x8_4553_5201UL)]   // size not a multiple of 16
    [InlineData(Records + 528, 0xE00_4553_5201UL)] // ends beyond the area
    public void A_bad_frame_is_a_segmentation_fault(int at, ulong value)
    {
        CallMachine machine = CallMachine.Start();
        ref Thread thread = ref machine.Thread;
        thread.Registers.Sp = Stack;
        Assert.True(SignalFrame.TryPush(ref thread, 10, SignalInformation.Make(10, 0, 0), new SignalAction { Handler = 4 }));
        machine.WriteUser(thread.Registers.Sp + (ulong)at, value);
        Assert.False(SignalFrame.TryPop(ref thread));

        SignalEntry.Actions(ref thread).Of(SignalNumber.Segmentation).Handler = 0x7777;
        machine.Answers[Sys.rt_sigprocmask] = _ => 0;
        Assert.Equal(CallResult.NoReturn, machine.Call(Sys.rt_sigreturn));
        Assert.Equal(0x7777UL, thread.Registers.Pc);
        Assert.Equal(11UL, thread.Registers.X[0]);
    }

    [Fact]
    public void No_stack_for_a_frame_is_a_segmentation_fault_and_that_one_goes_to_the_alternate_stack()
    {
        CallMachine machine = CallMachine.Start();
        ref Thread thread = ref machine.Thread;
        machine.Answers[Sys.rt_sigprocmask] = _ => 0;
        thread.Registers.Sp = 0x2000;
        SignalEntry.Actions(ref thread).Of(10).Handler = 0x1111;
        SignalEntry.Actions(ref thread).Of(SignalNumber.Segmentation) = new SignalAction { Handler = 0x2222, Flags = SignalAction.OnStack };
        thread.Signals.StackAddress = Alternate;
        thread.Signals.StackBytes = AlternateBytes;
        Assert.True(SignalQueue.TryAdd(ref thread, 10, SignalInformation.Make(10, 0, 0)));
        SignalEntry.Deliver(ref thread, restart: false);
        Assert.Equal(0x2222UL, thread.Registers.Pc);

        // Without one the process ends.
        thread.Registers.Sp = 0x2000;
        thread.Signals.ResetStack();
        thread.Signals.Mask = 0;
        machine.Answers[Sys.rt_sigaction] = _ => 0;
        Assert.True(SignalQueue.TryAdd(ref thread, 10, SignalInformation.Make(10, 0, 0)));
        ThreadEndedException end = Assert.Throws<ThreadEndedException>(() => SignalEntry.Deliver(ref machine.Thread, restart: false));
        Assert.Equal((Sys.exit_group, 128UL + 11), (end.Number, end.Argument0));    // pid 1: Linux would drop the signal
    }

    [Fact]
    public void Of_addresses_outside_the_program_the_syndrome_tells_nothing()
    {
        CallMachine machine = CallMachine.Start();
        ref Thread thread = ref machine.Thread;
        machine.Answers[Sys.rt_sigprocmask] = _ => 0;
        SignalEntry.Actions(ref thread).Of(SignalNumber.Segmentation).Handler = 0x2222;
        thread.Registers.Sp = Stack;
        thread.Registers.Syndrome = 0x9200_000F;
        SignalEntry.Raise(ref thread, SignalNumber.Segmentation, 1, 0xFFFF_FF80_0000_0000);
        Assert.Equal(0x9200_0004UL, thread.Signals.FaultSyndrome);
    }

    [Fact]
    public void Alternate_stack_call_matches_Linux()
    {
        CallMachine machine = CallMachine.Start();
        ulong at = CallMachine.UserBase;
        machine.Thread.Registers.Sp = Stack;
        long Set(ulong address, ulong flags, ulong bytes)
        {
            machine.WriteUser(at, address, flags, bytes);
            return machine.Call(Sys.sigaltstack, at, at + 64);
        }

        ulong[] Old() => [.. Enumerable.Range(0, 3).Select(i => machine.ReadUser<ulong>(at + 64 + (ulong)(8 * i)))];
        Assert.Equal(0, Set(Alternate, 0, AlternateBytes));
        Assert.Equal([0UL, 2UL, 0UL], Old());
        Assert.Equal(-Errno.ENOMEM, Set(Alternate, 0, 5119));
        Assert.Equal(-Errno.EINVAL, Set(Alternate, 4, AlternateBytes));
        machine.Thread.Registers.Sp = Alternate + 64;
        Assert.Equal(-Errno.EPERM, Set(Alternate, 0, AlternateBytes));
        Assert.Equal(0, machine.Call(Sys.sigaltstack, 0, at + 64));
        Assert.Equal([Alternate, 1UL, AlternateBytes], Old());
        machine.Thread.Registers.Sp = Stack;
        Assert.Equal(0, Set(0, 2, 0));
        Assert.Equal([Alternate, 0UL, AlternateBytes], Old());
    }
}
