using System.Linq;
using System.Runtime.InteropServices;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>Clocks over an OS that says what it likes.</summary>
public class ClockTests
{
    private const ulong At = CallMachine.UserBase;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void No_clock_goes_back_whatever_the_OS_says(int clock)
    {
        CallMachine machine = CallMachine.Start();
        Gen.Select(Gen.Long, Gen.Long, Gen.Long[-5, 5]).Array[1, 12].Sample(
            answers =>
            {
                Clocks.Reset();
                Timespec last = default;
                foreach ((long seconds, long nanoseconds, long result) in answers)
                {
                    machine.Answers[Sys.clock_gettime] = a =>
                    {
                        MemoryMarshal.Write(CallMachine.Os(a[1], 16), new Timespec { Seconds = seconds >> 30, Nanoseconds = nanoseconds % 1_000_000_000 });
                        return result == 5 ? long.MinValue : result < 0 ? 0 : result;
                    };
                    long answer = machine.Call(Sys.clock_gettime, (ulong)clock, At);
                    Assert.True(answer == 0 || Errno.IsError(answer));
                    if (answer == 0)
                    {
                        Timespec now = machine.ReadUser<Timespec>(At);
                        Assert.True(now.IsValid);
                        Assert.True((now.Seconds, now.Nanoseconds).CompareTo((last.Seconds, last.Nanoseconds)) >= 0);
                        last = now;
                    }
                }
            },
            iter: 100, threads: 1);
    }

    [Fact]
    public void Monotonic_time_is_the_counters_and_the_OS_is_asked_once()
    {
        CallMachine machine = CallMachine.Start();
        Clocks.Reset();
        machine.Answers[Sys.clock_gettime] = a =>
        {
            MemoryMarshal.Write(CallMachine.Os(a[1], 16), new Timespec { Seconds = 1000 });
            return 0;
        };
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(0, machine.Call(Sys.clock_gettime, 1, At));
            Assert.InRange(machine.ReadUser<Timespec>(At).Seconds, 1000, 1100);
        }

        Assert.Equal(1, machine.Seen.Count(call => call.Number == Sys.clock_gettime));
    }

    [Fact]
    public void Random_bytes_fill_what_was_asked_for()
    {
        CallMachine machine = CallMachine.Start();
        Assert.Equal(1000, machine.Call(Sys.getrandom, At, 1000, 0));
        Assert.True(machine.ReadUser(At, 1000).Distinct().Count() > 100);
        Assert.Equal(new byte[16], machine.ReadUser(At + 1000, 16));
        Assert.Equal(-Errno.EINVAL, machine.Call(Sys.getrandom, At, 8, 6));
        Assert.Equal(-Errno.EFAULT, machine.Call(Sys.getrandom, 0, 8, 0));
        machine.Events.Enqueue((BufferLayout.EventSignal, 10, 0));
        Assert.Equal(4096, machine.Call(Sys.getrandom, At, 100_000, 0));
    }
}
