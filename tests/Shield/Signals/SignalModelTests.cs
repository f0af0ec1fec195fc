using System;
using System.Collections.Generic;
using System.Linq;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>
/// A program with handlers that run, nest and return, over a Linux that delivers at any point. After every way back to the program its
/// stack is read: which handlers are entered, in which order, with which masks.
/// </summary>
public class SignalModelTests
{
    private const ulong Stack = CallMachine.UserBase + (3 << 20);
    private const ulong Data = CallMachine.UserBase;
    private const ulong HandlerBase = 0x100_0000;
    private const int MaskAt = 168;
    private const int StackPointerAt = 560;
    private const int ProgramCounterAt = 568;

    private sealed record Level(int Signal, ulong Mask, ulong Sp, ulong Pc, ulong X5);

    [Fact]
    public void Handlers_run_once_for_each_signal_with_the_masks_that_Linux_gives() =>
        Gen.Int.Sample(seed => new Run(seed).Go(), iter: 250, threads: 1);

    private sealed class Run(int seed)
    {
        private readonly Random random = new(seed);
        private readonly Stack<Level> levels = new();
        private readonly int[] handled = new int[65];
        private SignalMachine machine = null!;
        private ulong mask;

        private ref Thread Thread => ref machine.Program.Thread;

        public void Go()
        {
            machine = new SignalMachine(new Random(seed)) { Chance = 0 };
            KernelLock.Release();
            Thread.Registers.Sp = Stack;
            Thread.Registers.Pc = 0x40_0000;
            foreach (int signal in machine.Numbers)
            {
                ulong flags = random.Next(2) == 0 ? SignalAction.Restart : 0;
                flags |= random.Next(5) == 0 ? SignalAction.NoDefer : 0;
                ulong others = machine.Numbers.Where(_ => random.Next(4) == 0).Aggregate(0UL, (set, other) => set | SignalNumber.Bit(other));
                WriteUser(Data, HandlerBase + ((ulong)signal << 12), flags, 0, others);
                Assert.Equal(0, (long)Call(Sys.rt_sigaction, (ulong)signal, Data, 0, 8));
            }

            machine.Chance = 20;
            for (int step = 0; step < 60; step++)
            {
                Step();
            }

            // Let everything come to rest: nothing blocked, all handlers return.
            machine.Chance = 0;
            for (int i = 0; i < 400 && (levels.Count > 0 || machine.Pending.Count > 0 || mask != 0); i++)
            {
                if (levels.Count > 0)
                {
                    Return();
                }
                else
                {
                    SetMask(0);
                }
            }

            Assert.Empty(levels);
            Assert.Empty(machine.Pending);
            Assert.Equal(0, Thread.Signals.Count);
            Assert.Equal(0UL, machine.Mask);
            foreach (int signal in machine.Numbers)
            {
                // Real-time signals are all handled; standard ones may merge, but not to nothing.
                int most = machine.Sent[signal];
                int least = signal >= 32 ? most : Math.Min(most, 1);
                Assert.InRange(handled[signal], least, most);
            }
        }

        private void Step()
        {
            switch (random.Next(8))
            {
                case 0:
                    SetMask(machine.Numbers.Where(_ => random.Next(3) == 0).Aggregate(0UL, (set, signal) => set | SignalNumber.Bit(signal)));
                    break;
                case 1:
                    Call(Sys.getppid);
                    break;
                case 2:
                    Read();
                    break;
                case 3:
                    Masked(Sys.rt_sigsuspend);
                    break;
                case 4:
                    Masked(Sys.ppoll);
                    break;
                case 5 or 6 when levels.Count > 0:
                    Return();
                    break;
                default:
                    machine.Send(machine.Numbers[random.Next(machine.Numbers.Length)]);
                    machine.Interrupt();
                    Enter(EntryKind.Interrupt);
                    break;
            }
        }

        private void Read()
        {
            ulong pc = Thread.Registers.Pc;
            ulong result = Call(Sys.read, 3, Data + 4096, 16);

            // Made again: the program is where the SVC is, with its first argument.
            if (bottom.Pc == pc - 4)
            {
                Assert.Equal(3UL, result);
            }
            else
            {
                Assert.Contains((long)result, new[] { 0, -Errno.EINTR });
            }
        }

        /// <summary>A call with a mask of its own: with a handler it is interrupted, never restarted; the old mask comes back.</summary>
        private void Masked(Sys number)
        {
            ulong temporary = machine.Numbers.Where(_ => random.Next(3) == 0).Aggregate(0UL, (set, signal) => set | SignalNumber.Bit(signal));
            WriteUser(Data, temporary);
            ulong pc = Thread.Registers.Pc;
            int before = levels.Count;
            temporaryMask = temporary;
            ulong result = number == Sys.ppoll ? Call(number, 0, 0, 0, Data, 8) : Call(number, Data, 8);
            temporaryMask = null;
            Assert.Equal(pc, bottom.Pc);
            if (number == Sys.rt_sigsuspend || (levels.Count > before && (long)result != 0))
            {
                Assert.Equal(-Errno.EINTR, (long)result);
            }
        }

        private ulong? temporaryMask;

        private void SetMask(ulong wanted)
        {
            WriteUser(Data, wanted);
            mask = wanted;
            Assert.Equal(0, (long)Call(Sys.rt_sigprocmask, 2, Data, 0, 8));
        }

        private void Return()
        {
            Level level = levels.Pop();
            mask = level.Mask;
            ulong sp = Thread.Registers.Sp;
            Thread.Registers.X[8] = (ulong)Sys.rt_sigreturn;
            Enter(EntryKind.Synchronous, level);
            Assert.NotEqual(sp, level.Sp);
        }

        private ulong Call(Sys number, params ulong[] arguments)
        {
            for (int i = 0; i < 6; i++)
            {
                Thread.Registers.X[i] = i < arguments.Length ? arguments[i] : 0;
            }

            Thread.Registers.X[8] = (ulong)number;
            Enter(EntryKind.Synchronous);
            return bottom.X0;
        }

        private (ulong Pc, ulong X0) bottom;

        /// <summary>Enters the shield and checks what the program finds: new frames from the top of its stack down to where it was.</summary>
        private void Enter(EntryKind kind, Level? returned = null)
        {
            ulong sp = returned?.Sp ?? Thread.Registers.Sp;
            Thread.Registers.X[5] = returned is null ? (ulong)random.NextInt64() >> 1 : Thread.Registers.X[5];
            ulong x5 = returned?.X5 ?? Thread.Registers.X[5];
            Dispatcher.Enter(ref Thread, kind, kind == EntryKind.Synchronous ? 0x15UL << 26 : 0, 0);
            Assert.False(KernelLock.IsHeld);

            List<Level> found = [];
            ulong top = Thread.Registers.Sp;
            ulong pc = Thread.Registers.Pc;
            bottom = (pc, Thread.Registers.X[0]);
            while (top != sp)
            {
                int signal = Read<int>(top);
                Assert.Equal(HandlerBase + ((ulong)signal << 12), pc);
                pc = Read<ulong>(top + ProgramCounterAt);
                bottom = (pc, Read<ulong>(top + 312));
                found.Add(new Level(signal, Read<ulong>(top + MaskAt), Read<ulong>(top + StackPointerAt), pc, Read<ulong>(top + 312 + 40)));
                top = found[^1].Sp;
                Assert.True(found.Count <= 64);
            }

            // First delivered is deepest. The first saw the temporary mask, if the call had one, and saved the old one.
            ulong current = temporaryMask is { } temporary && found.Count > 0 && (temporary & SignalNumber.Bit(found[^1].Signal)) == 0 ? temporary : mask;
            for (int i = found.Count - 1; i >= 0; i--)
            {
                Level level = found[i];
                SignalAction action = SignalEntry.Actions(ref Thread).Of(level.Signal);
                Assert.Equal(i == found.Count - 1 ? mask : current, level.Mask);
                if (i < found.Count - 1 || temporaryMask is null)
                {
                    Assert.Equal(0UL, current & SignalNumber.Bit(level.Signal));
                }

                ulong own = (action.Flags & SignalAction.NoDefer) != 0 ? 0 : SignalNumber.Bit(level.Signal);
                ulong after = current | action.Mask | own;
                if (i == found.Count - 1 && temporaryMask is not null)
                {
                    // Whether the signal came under the temporary mask or after the call only the shield knows: both are Linux's.
                    ulong other = mask | action.Mask | own;
                    ulong seen = found.Count > 1 ? found[^2].Mask : Thread.Signals.Mask;
                    Assert.True(seen == after || seen == other);
                    after = seen;
                }

                current = after;
                handled[level.Signal]++;
                levels.Push(level);
            }

            mask = found.Count > 0 ? current : mask;
            Assert.Equal(x5, found.Count > 0 ? found[^1].X5 : Thread.Registers.X[5]);
            Assert.Equal(mask, Thread.Signals.Mask);
            Assert.False(Thread.Signals.HasSavedMask);

            // Linux has the program's mask, and nothing that it lets through waits here.
            Assert.Equal(mask, machine.Mask);
            Assert.False(SignalEntry.IsPending(ref Thread));
        }

        private void WriteUser(ulong address, params ulong[] words)
        {
            KernelLock.Acquire();
            machine.Program.WriteUser(address, words);
            KernelLock.Release();
        }

        private T Read<T>(ulong address)
            where T : unmanaged
        {
            KernelLock.Acquire();
            T value = machine.Program.ReadUser<T>(address);
            KernelLock.Release();
            return value;
        }
    }
}
