using System;
using System.Linq;
using System.Text;
using Xunit;

namespace BlackBox.Shield.Tests;

public class ForwarderTests
{
    private const ulong At = CallMachine.UserBase;

    [Fact]
    public void A_path_goes_out_and_nothing_behind_it()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, "/etc/hosts\0SECRET-SECRET"u8);
        string seen = string.Empty;
        machine.Answers[Sys.mkdirat] = a =>
        {
            Span<byte> bytes = CallMachine.Os(a[1], 64);
            seen = Encoding.ASCII.GetString(bytes[..bytes.IndexOf((byte)0)]);
            Assert.Equal(-1, CallMachine.OsData().IndexOf("SECRET"u8));
            return 0;
        };
        Assert.Equal(0, machine.Call(Sys.mkdirat, unchecked((ulong)-100), At, 0, 66, 77, 88));
        Assert.Equal("/etc/hosts", seen);
        Assert.Equal([0UL, 0UL, 0UL], machine.Last(Sys.mkdirat).Arguments[3..]);
    }

    [Fact]
    public void Bad_and_long_paths_are_told_from_each_other()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, Enumerable.Repeat((byte)'a', 5000).ToArray());
        Assert.Equal(-Errno.ENAMETOOLONG, machine.Call(Sys.chdir, At));
        Assert.Equal(-Errno.EFAULT, machine.Call(Sys.chdir, 8));
        Assert.Equal(-Errno.EFAULT, machine.Call(Sys.chdir, ulong.MaxValue));
        Assert.Empty(machine.Seen);
    }

    [Fact]
    public void Linux_never_sees_an_address_of_the_program()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, new byte[4096]);
        for (uint number = 0; number < CallTable.Count; number++)
        {
            CallRule rule = CallTable.Get(number);
            if (rule.Service != CallService.Forwarder)
            {
                continue;
            }

            CallArguments a = default;
            for (int i = 0; i < rule.ArgumentCount; i++)
            {
                bool number_ = rule.Argument(i).Kind is ArgumentKind.Value or ArgumentKind.Descriptor;
                a[i] = number_ ? 16 : At + 64;
            }

            machine.Seen.Clear();
            _ = Dispatcher.Serve(ref machine.Thread, number, ref a);
            OsCallSeen call = Assert.Single(machine.Seen);
            Assert.DoesNotContain(call.Arguments, word => word is >= At and < At + CallMachine.UserBytes);
        }
    }

    [Fact]
    public void An_impossible_result_is_an_error_and_writes_nothing()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, "/link\0"u8);
        machine.WriteUser(At + 4096, 0x1111_1111_1111_1111UL, 0x2222_2222_2222_2222UL);
        machine.Answers[Sys.readlinkat] = _ => 9;
        Assert.Equal(-Errno.EIO, machine.Call(Sys.readlinkat, 3, At, At + 4096, 8));
        machine.Answers[Sys.readlinkat] = _ => -5000;
        Assert.Equal(-Errno.EIO, machine.Call(Sys.readlinkat, 3, At, At + 4096, 8));
        Assert.Equal(0x1111_1111_1111_1111UL, machine.ReadUser<ulong>(At + 4096));
        machine.Answers[Sys.readlinkat] = a =>
        {
            CallMachine.Os(a[2], 8).Fill(0x33);
            return 4;
        };
        Assert.Equal(4, machine.Call(Sys.readlinkat, 3, At, At + 4096, 8));
        Assert.Equal(0x1111_1111_3333_3333UL, machine.ReadUser<ulong>(At + 4096));
    }

    /// <summary>Every call with a row in the table, and an OS that answers each with a number that it cannot have.</summary>
    [Fact]
    public void No_success_but_0_comes_from_a_call_that_has_no_other()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, new byte[8192]);
        int calls = 0;
        for (uint number = 0; number < CallTable.Count; number++)
        {
            CallArguments none = default;
            CallRule rule = CallTable.Get(number);
            if (rule.Service != CallService.Forwarder || rule.Most(ref none) == long.MaxValue)
            {
                continue;
            }

            CallArguments a = default;
            for (int i = 0; i < rule.ArgumentCount; i++)
            {
                a[i] = rule.Argument(i).Kind is ArgumentKind.Value or ArgumentKind.Descriptor ? 16 : At + 64;
            }

            long most = rule.Most(ref a);
            foreach (long lie in new[] { most + 1, long.MaxValue, -4096, long.MinValue })
            {
                ulong lies = Descriptors.Lies;
                machine.Answers[(Sys)number] = _ => lie;
                Assert.Equal(-Errno.EIO, Dispatcher.Serve(ref machine.Thread, number, ref a));
                Assert.Equal(lies + 1, Descriptors.Lies);
            }

            machine.Answers[(Sys)number] = _ => -Errno.ENXIO;
            Assert.Equal(-Errno.ENXIO, Dispatcher.Serve(ref machine.Thread, number, ref a));
            calls++;
        }

        Assert.True(calls > 80, $"only {calls} calls");
    }

    [Theory]
    [InlineData((int)Sys.close, 7UL, 0UL, 0UL, 0UL)]
    [InlineData((int)Sys.fstat, 3UL, At, 0UL, 0UL)]
    [InlineData((int)Sys.newfstatat, 3UL, At, At + 64, 0UL)]
    [InlineData((int)Sys.statx, 3UL, At, 0UL, 0UL)]
    [InlineData((int)Sys.fsync, 3UL, 0UL, 0UL, 0UL)]
    [InlineData((int)Sys.ftruncate, 3UL, 0UL, 0UL, 0UL)]
    [InlineData((int)Sys.bind, 3UL, At, 16UL, 0UL)]
    [InlineData((int)Sys.connect, 3UL, At, 16UL, 0UL)]
    [InlineData((int)Sys.setsockopt, 3UL, 1UL, 2UL, At)]
    [InlineData((int)Sys.fcntl, 3UL, 6UL, At, 0UL)]
    [InlineData((int)Sys.fcntl, 3UL, 2UL, 1UL, 0UL)]
    [InlineData((int)Sys.ioctl, 3UL, 0x5401UL, At, 0UL)]
    [InlineData((int)Sys.getsockname, 3UL, At, At + 64, 0UL)]
    [InlineData((int)Sys.sched_setattr, 0UL, At + 64, 0UL, 0UL)]
    [InlineData((int)Sys.prlimit64, 0UL, 3UL, 0UL, At)]
    [InlineData((int)Sys.unlinkat, 3UL, At, 0UL, 0UL)]
    public void A_handler_passes_no_number_on_that_its_call_does_not_have(int number, ulong a0, ulong a1, ulong a2, ulong a3)
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, "/name\0"u8);
        foreach (long lie in new[] { 5, int.MaxValue, long.MaxValue, -5000 })
        {
            ulong lies = Descriptors.Lies;
            machine.Answers[(Sys)number] = _ => lie;
            CallArguments a = default;
            (a[0], a[1], a[2], a[3]) = (a0, a1, a2, a3);
            machine.Thread.Registers.X[8] = (ulong)number;
            Assert.Equal(-Errno.EIO, Dispatcher.Serve(ref machine.Thread, (uint)number, ref a));
            Assert.True(Descriptors.Lies > lies);
            if ((Sys)number == Sys.close)
            {
                return;
            }
        }
    }

    [Fact]
    public void Null_is_passed_where_it_may_be_and_refused_elsewhere()
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.utimensat] = _ => 0;
        Assert.Equal(0, machine.Call(Sys.utimensat, 3, 0, 0, 0));
        Assert.Equal(0UL, machine.Last(Sys.utimensat).Arguments[1]);
        machine.Answers[Sys.fstat] = _ => 0;
        Assert.Equal(-Errno.EFAULT, machine.Call(Sys.fstat, 3, 0));
    }

    [Fact]
    public void The_rest_of_a_sleep_is_written_only_when_it_was_interrupted()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, 1, 0, 7, 7);
        machine.Answers[Sys.nanosleep] = a =>
        {
            CallMachine.Os(a[1], 16).Clear();
            return 0;
        };
        Assert.Equal(0, machine.Call(Sys.nanosleep, At, At + 16));
        Assert.Equal(7UL, machine.ReadUser<ulong>(At + 16));
        machine.Answers[Sys.nanosleep] = a =>
        {
            CallMachine.Os(a[1], 16).Clear();
            return -Errno.EINTR;
        };
        Assert.Equal(-Errno.EINTR, machine.Call(Sys.nanosleep, At, At + 16));
        Assert.Equal(0UL, machine.ReadUser<ulong>(At + 16));
    }

    [Fact]
    public void Unknown_and_denied_calls_do_not_reach_the_os()
    {
        CallMachine machine = CallMachine.Start();
        Assert.Equal(-Errno.ENOSYS, machine.Call((Sys)5000));
        Assert.Equal(-Errno.ENOSYS, machine.Call(Sys.io_uring_setup, 1, At));
        Assert.Equal(-Errno.EPERM, machine.Call(Sys.ptrace, 16, 1));
        Assert.Empty(machine.Seen);
    }
}
