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
