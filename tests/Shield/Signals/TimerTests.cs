using System.Runtime.InteropServices;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>POSIX timers: what is asked of the OS, and which of its answers are none.</summary>
public class TimerTests
{
    private const ulong At = CallMachine.UserBase;
    private const int NoticeSignal = 0;
    private const int NoticeNone = 1;
    private const int NoticeThread = 2;
    private const int NoticeThreadId = 4;

    private static CallMachine Start(long result, int timer)
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.timer_create] = a =>
        {
            MemoryMarshal.Write(CallMachine.Os(a[2], sizeof(int)), timer);
            return result;
        };
        return machine;
    }

    private static long Create(CallMachine machine, ulong clock, int signal, int notice, int thread)
    {
        machine.WriteUser(At, 0x1234_5678_9ABCUL, (uint)signal | ((ulong)(uint)notice << 32), (uint)thread | (0xDEADUL << 32), ulong.MaxValue, 1, 1, 1, 1);
        machine.WriteUser(At + 64, 99UL);
        return machine.Call(Sys.timer_create, clock, At, At + 64);
    }

    [Theory]
    [InlineData(0, 10, NoticeSignal, 0, 0)]
    [InlineData(1, 64, NoticeThreadId, 1, 0)]
    [InlineData(7, 0, NoticeNone, 0, 0)]
    [InlineData(1, 10, NoticeThreadId, 2, -Errno.EINVAL)]
    [InlineData(1, 10, NoticeThreadId | NoticeNone, 1, -Errno.EINVAL)]
    [InlineData(1, 10, NoticeThread, 0, -Errno.EINVAL)]
    [InlineData(1, 0, NoticeSignal, 0, -Errno.EINVAL)]
    [InlineData(1, 65, NoticeSignal, 0, -Errno.EINVAL)]
    [InlineData(63, 10, NoticeSignal, 0, -Errno.EINVAL)]
    [InlineData(1UL << 40, 10, NoticeSignal, 0, -Errno.EINVAL)]
    public void Only_what_makes_sense_is_asked_for(ulong clock, int signal, int notice, int thread, long expected)
    {
        CallMachine machine = Start(0, 5);
        Assert.Equal(expected, Create(machine, clock, signal, notice, thread));
        Assert.Equal(expected == 0 ? 5 : 99, machine.ReadUser<int>(At + 64));
        if (expected != 0)
        {
            Assert.Empty(machine.Seen);
            return;
        }

        ulong[] arguments = machine.Last(Sys.timer_create).Arguments;
        Assert.Equal(clock, arguments[0]);
        ulong[] seen = MemoryMarshal.Cast<byte, ulong>(CallMachine.Os(arguments[1], 64)).ToArray();
        Assert.Equal([0x1234_5678_9ABCUL, (uint)signal | ((ulong)(uint)notice << 32), (uint)thread, 0UL, 0UL, 0UL, 0UL, 0UL], seen);
    }

    [Theory]
    [InlineData(0, -1, -Errno.EIO)]
    [InlineData(1, 5, -Errno.EIO)]
    [InlineData(-100000, 5, -Errno.EIO)]
    [InlineData(-Errno.EAGAIN, 5, -Errno.EAGAIN)]
    public void A_false_answer_makes_no_timer(long result, int timer, long expected)
    {
        CallMachine machine = Start(result, timer);
        Assert.Equal(expected, Create(machine, 1, 10, NoticeSignal, 0));
        Assert.Equal(99, machine.ReadUser<int>(At + 64));
    }

    [Fact]
    public void Times_are_copied_and_other_results_are_none()
    {
        CallMachine machine = Start(0, 5);
        machine.WriteUser(At, 1, 2, 3, 4);
        ulong[] seen = [];
        long result = 0;
        machine.Answers[Sys.timer_settime] = a =>
        {
            seen = MemoryMarshal.Cast<byte, ulong>(CallMachine.Os(a[2], 32)).ToArray();
            if (a[3] != 0)
            {
                CallMachine.Os(a[3], 32).Fill(7);
            }

            return result;
        };
        Assert.Equal(0, machine.Call(Sys.timer_settime, 5, 1, At, At + 64));
        Assert.Equal([1UL, 2UL, 3UL, 4UL], seen);
        Assert.Equal(0x0707_0707_0707_0707UL, machine.ReadUser<ulong>(At + 64 + 24));
        Assert.Equal(0, machine.Call(Sys.timer_settime, 5, 1, At, 0));
        Assert.Equal(-Errno.EINVAL, machine.Call(Sys.timer_settime, 5, 1, 0, 0));
        Assert.Equal(-Errno.EFAULT, machine.Call(Sys.timer_settime, 5, 1, 8, 0));
        result = 3;
        Assert.Equal(-Errno.EIO, machine.Call(Sys.timer_settime, 5, 1, At, 0));
        foreach (Sys number in new[] { Sys.timer_gettime, Sys.timer_delete })
        {
            machine.Answers[number] = _ => 1;
            Assert.Equal(-Errno.EIO, machine.Call(number, 5, At));
            machine.Answers[number] = _ => 0;
            Assert.Equal(0, machine.Call(number, 5, At));
        }

        machine.Answers[Sys.timer_getoverrun] = _ => 12;
        Assert.Equal(12, machine.Call(Sys.timer_getoverrun, 5));
        machine.Answers[Sys.timer_getoverrun] = _ => 1L << 31;
        Assert.Equal(-Errno.EIO, machine.Call(Sys.timer_getoverrun, 5));
    }
}
