using System;
using System.Runtime.InteropServices;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>Waiting, orphans, groups: what the OS says of processes against what the enclave knows. The first process has number 10.</summary>
public class WaitTests
{
    private const ulong At = CallMachine.UserBase;
    private const int Self = 10;
    private const ulong AllKinds = 0x4000_0000;

    private static CallMachine Start()
    {
        CallMachine machine = CallMachine.Start();
        Pool<Process>.Get(machine.Thread.Process).Pid = Self;
        machine.Thread.Tid = Self;
        machine.Answers[Sys.sched_yield] = _ => 0;
        WaitCalls.Lies = 0;
        return machine;
    }

    /// <summary>A process without memory, with one thread or none.</summary>
    private static Handle<Process> Add(CallMachine machine, int pid, Handle<Process> parent, bool isZombie = false, int status = 0)
    {
        Assert.True(Pool<Process>.TryAdd(out Handle<Process> handle));
        ref Process process = ref Pool<Process>.Get(handle);
        process.Self = handle;
        process.Parent = parent;
        process.Pid = pid;
        process.ExitSignal = ProcessNumbers.SigChld;
        process.State = isZombie ? ProcessState.Zombie : ProcessState.Running;
        process.Status = status;
        process.StatusKnown = isZombie;
        Assert.True(SignalEntry.TryCloneActions(ref Pool<Process>.Get(machine.Thread.Process), share: false, out process.Actions));
        return handle;
    }

    private static long Wait(CallMachine machine, long who, long result, int status = 0, ulong options = 0)
    {
        machine.Answers[Sys.wait4] = a =>
        {
            MemoryMarshal.Write(CallMachine.Os(a[1], 4), status);
            return result;
        };
        return machine.Call(Sys.wait4, (ulong)who, At, options, 0);
    }

    private static long WaitId(CallMachine machine, ulong kind, int id, ulong options, int pid, int code, int status, long result = 0)
    {
        machine.Answers[Sys.waitid] = a =>
        {
            Span<int> information = MemoryMarshal.Cast<byte, int>(CallMachine.Os(a[2], 128));
            information.Fill(-1);
            (information[2], information[4], information[6]) = (code, pid, status);
            return result;
        };
        return machine.Call(Sys.waitid, kind, (ulong)id, At, options, 0);
    }

    [Theory]
    [InlineData(11, 11, 0x500, 0, 11)]
    [InlineData(-1, 11, 0x500, 0, 11)]
    [InlineData(11, 11, 0xA00, 0, 11)]
    [InlineData(0, 11, 0x500, 0, 11)]
    [InlineData(-1, 0, 0, 1, 0)]
    [InlineData(-1, 12, 0x137F, 2, 12)]
    [InlineData(12, 12, 0xFFFF, 8, 12)]
    [InlineData(12, 11, 0x500, 0, -Errno.EIO)]
    [InlineData(11, 12, 0, 0, -Errno.EIO)]
    [InlineData(-1, 12, 0, 0, -Errno.EIO)]
    [InlineData(-1, 13, 0, 0, -Errno.EIO)]
    [InlineData(-1, Self, 0, 0, -Errno.EIO)]
    [InlineData(-1, 1, 0, 0, -Errno.EIO)]
    [InlineData(-1, 99, 0x137F, 2, -Errno.EIO)]
    [InlineData(-1, 0, 0, 0, -Errno.EIO)]
    [InlineData(-1, 12, 0x137F, 0, -Errno.EIO)]
    [InlineData(-1, 12, 0x137F, 8, -Errno.EIO)]
    [InlineData(-1, 12, 0xFFFF, 2, -Errno.EIO)]
    [InlineData(-1, 12, 0x097F, 2, -Errno.EIO)]
    [InlineData(-1, 13, 0x137F, 2, -Errno.EIO)]
    [InlineData(-1, 1L << 33, 0, 0, -Errno.EIO)]
    [InlineData(-1, -Errno.ECHILD, 0, 0, -Errno.EIO)]
    [InlineData(11, -Errno.ECHILD, 0, 0, -Errno.EIO)]
    [InlineData(12, -Errno.ECHILD, 0, 0, -Errno.EIO)]
    [InlineData(13, -Errno.ECHILD, 0, 0, -Errno.ECHILD)]
    [InlineData(14, -Errno.ECHILD, 0, 0, -Errno.ECHILD)]
    [InlineData(-1, -Errno.EINTR, 0, 0, -Errno.EINTR)]
    public void Results_are_about_children_that_were_asked_for(long who, long result, int status, ulong options, long expected)
    {
        CallMachine machine = Start();
        Handle<Process> child = Add(machine, 11, machine.Thread.Process, isZombie: true, status: 0x500);
        Handle<Process> other = Add(machine, 12, machine.Thread.Process);
        _ = Add(machine, 13, other, isZombie: true);
        Assert.Equal(expected, Wait(machine, who, result, status, options));
        Assert.Equal(expected == -Errno.EIO ? 1UL : 0, WaitCalls.Lies);
        Assert.Equal(expected != 11, Pool<Process>.IsLive(child));
        Assert.Equal(expected == 11 ? 0x500 : expected == 12 ? status : 0, machine.ReadUser<int>(At));
        Assert.Equal(0, Pool<Process>.Get(machine.Thread.Process).Waiting);
    }

    [Theory]
    [InlineData(1, 11, 4, 11, 1, 9, 0, 1, 5)]
    [InlineData(0, 0, 4, 11, 2, 9, 0, 1, 5)]
    [InlineData(0, 0, 4 | 0x0100_0000, 11, 1, 5, 0, 1, 5)]
    [InlineData(0, 0, 2, 12, 5, 19, 0, 5, 19)]
    [InlineData(0, 0, 8, 12, 6, 18, 0, 6, 18)]
    [InlineData(1, 12, 4, 11, 1, 5, -Errno.EIO, 0, 0)]
    [InlineData(0, 0, 4, 12, 1, 5, -Errno.EIO, 0, 0)]
    [InlineData(0, 0, 2, 12, 4, 5, -Errno.EIO, 0, 0)]
    [InlineData(0, 0, 2, 12, 5, 5, -Errno.EIO, 0, 0)]
    [InlineData(0, 0, 2, 11, 1, 5, -Errno.EIO, 0, 0)]
    [InlineData(0, 0, 4, 0, 0, 0, -Errno.EIO, 0, 0)]
    public void Waitid_says_the_same(ulong kind, int id, ulong options, int pid, int code, int status, long expected, int toldCode, int toldStatus)
    {
        CallMachine machine = Start();
        _ = Add(machine, 11, machine.Thread.Process, isZombie: true, status: 0x500);
        _ = Add(machine, 12, machine.Thread.Process);
        Assert.Equal(expected, WaitId(machine, kind, id, options, pid, code, status));
        if (expected == 0)
        {
            int[] told = MemoryMarshal.Cast<byte, int>(machine.ReadUser(At, 128)).ToArray();
            Assert.Equal((17, toldCode, pid, toldStatus), (told[0], told[2], told[4], told[6]));
            Assert.All(told[7..], value => Assert.Equal(0, value));
            Assert.Equal(pid == 11 && (options >> 24) == 0 ? 2 : 3, Pool<Process>.Count);
        }
    }

    [Fact]
    public void Strangers_come_only_to_init_and_subreapers()
    {
        CallMachine machine = Start();
        Assert.Equal(-Errno.EIO, Wait(machine, -1, 77));
        machine.Answers[Sys.prctl] = _ => 0;
        Assert.Equal(0, machine.Call(Sys.prctl, 36, 1));
        Assert.Equal(0, machine.Call(Sys.prctl, 37, At));
        Assert.Equal(1, machine.ReadUser<int>(At));
        Assert.Equal(77, Wait(machine, -1, 77, 0x300));
        Assert.Equal(-Errno.EIO, Wait(machine, 78, 77));
        Assert.Equal(-Errno.EIO, Wait(machine, -1, 77, 0x1_0000));
        Assert.Equal(0, machine.Call(Sys.prctl, 36, 0));
        Assert.False(Pool<Process>.Get(machine.Thread.Process).IsSubreaper);
        Pool<Process>.Get(machine.Thread.Process).MayAdopt = false;
        Pool<Process>.Get(machine.Thread.Process).Pid = 1;
        Assert.Equal(77, Wait(machine, -1, 77, 0x300));
    }

    [Fact]
    public void Orphans_go_to_the_nearest_subreaper_that_goes_on()
    {
        CallMachine machine = Start();
        Handle<Process> self = machine.Thread.Process;
        Handle<Process> near = Add(machine, 11, self);
        Handle<Process> father = Add(machine, 12, near);
        Handle<Process> orphan = Add(machine, 13, father);
        Pool<Process>.Get(orphan).ExitSignal = 0;
        Assert.True(ProcessTree.FindReaper(father).IsNull);
        Pool<Process>.Get(father).IsSubreaper = true;
        Pool<Process>.Get(self).IsSubreaper = true;
        Assert.True(ProcessTree.FindReaper(father).Is(self));
        Pool<Process>.Get(near).IsSubreaper = true;
        Assert.True(ProcessTree.FindReaper(father).Is(near));
        Pool<Process>.Get(near).State = ProcessState.Ending;
        Assert.True(ProcessTree.FindReaper(father).Is(self));
        ProcessTree.Finish(father);
        Assert.True(Pool<Process>.Get(orphan).Parent.Is(self));
        Assert.Equal((12, ProcessNumbers.SigChld), (Pool<Process>.Get(orphan).FormerParent, Pool<Process>.Get(orphan).ExitSignal));
    }

    [Fact]
    public void Without_a_subreaper_orphans_go_to_init()
    {
        CallMachine machine = Start();
        Pool<Process>.Get(machine.Thread.Process).Pid = 1;
        Handle<Process> father = Add(machine, 12, Add(machine, 11, machine.Thread.Process));
        Assert.True(ProcessTree.FindReaper(father).Is(machine.Thread.Process));
        Assert.True(ProcessTree.FindReaper(machine.Thread.Process).IsNull);
    }

    [Fact]
    public void The_parent_changes_when_Linux_has_changed_it()
    {
        CallMachine machine = Start();
        Handle<Process> reaper = Add(machine, 11, default);
        Pool<Process>.Get(reaper).IsSubreaper = true;
        Handle<Process> father = Add(machine, 12, reaper);
        ref Process self = ref Pool<Process>.Get(machine.Thread.Process);
        self.Parent = father;
        Assert.Equal(12, machine.Call(Sys.getppid));
        Assert.Empty(machine.Seen);
        ProcessTree.Finish(father);
        long os = 12;
        machine.Answers[Sys.getppid] = _ => os;
        Assert.Equal(12, machine.Call(Sys.getppid));
        os = 99;
        Assert.Equal(11, machine.Call(Sys.getppid));
        os = 11;
        Assert.Equal(11, machine.Call(Sys.getppid));
        int calls = machine.Seen.Count;
        Assert.Equal(11, machine.Call(Sys.getppid));
        Assert.Equal(calls, machine.Seen.Count);

        // Outside the enclave it is Linux's word, but nobody of the enclave.
        ProcessTree.Finish(reaper);
        foreach ((long said, long seen) in new[] { (11L, 11L), (1, 1), (500, 500), (0, 0), (Self, 1), (-5, 1), (1L << 40, 1) })
        {
            os = said;
            Assert.Equal(seen, machine.Call(Sys.getppid));
        }
    }

    [Fact]
    public void That_there_is_no_child_is_believed_only_where_nothing_is_known_against_it()
    {
        CallMachine machine = Start();
        ref Process self = ref Pool<Process>.Get(machine.Thread.Process);
        Handle<Process> handle = Add(machine, 11, machine.Thread.Process);
        ref Process child = ref Pool<Process>.Get(handle);
        Assert.Equal(-Errno.EIO, Wait(machine, -1, -Errno.ECHILD));
        self.Waiting = 1;
        Assert.Equal(-Errno.ECHILD, Wait(machine, -1, -Errno.ECHILD));
        self.Waiting = 0;
        child.FormerParent = 5;
        Assert.Equal(-Errno.ECHILD, Wait(machine, -1, -Errno.ECHILD));
        child.FormerParent = 0;
        child.ExitSignal = 0;
        Assert.Equal(-Errno.ECHILD, Wait(machine, -1, -Errno.ECHILD));
        Assert.Equal(-Errno.EIO, Wait(machine, -1, -Errno.ECHILD, options: AllKinds));
        child.ExitSignal = ProcessNumbers.SigChld;

        // SIGCHLD ignored: Linux reaps by itself.
        SignalEntry.Actions(ref machine.Thread).Of(ProcessNumbers.SigChld).Handler = SignalAction.Ignore;
        ProcessTree.Finish(handle);
        Assert.Equal(-Errno.ECHILD, Wait(machine, -1, -Errno.ECHILD));
        Assert.Equal(11, Wait(machine, -1, 11));
        SignalEntry.Actions(ref machine.Thread).Of(ProcessNumbers.SigChld).Handler = SignalAction.Default;
        handle = Add(machine, 12, machine.Thread.Process);
        ProcessTree.Finish(handle);
        Assert.Equal(-Errno.EIO, Wait(machine, -1, -Errno.ECHILD));
        ProcessTree.DoubtZombies(self.Actions);
        Assert.Equal(-Errno.ECHILD, Wait(machine, -1, -Errno.ECHILD));
    }

    [Fact]
    public void A_child_of_a_process_on_its_way_out_is_waited_for()
    {
        CallMachine machine = Start();
        Handle<Process> self = machine.Thread.Process;
        Pool<Process>.Get(self).IsSubreaper = true;
        Handle<Process> father = Add(machine, 11, self);
        _ = Add(machine, 12, father, isZombie: true, status: 0x300);
        int rounds = 0;
        machine.Answers[Sys.sched_yield] = _ =>
        {
            if (++rounds == 5)
            {
                ProcessTree.Finish(father);
            }

            return 0;
        };
        Assert.Equal(12, Wait(machine, -1, 12));
        Assert.Equal((5, 0x300), (rounds, machine.ReadUser<int>(At)));

        _ = Add(machine, 14, Add(machine, 13, self), isZombie: true);
        Assert.Equal(-Errno.EIO, Wait(machine, -1, 14));
    }

    [Fact]
    public void Groups_are_known_from_setpgid_on()
    {
        CallMachine machine = Start();
        _ = Add(machine, 11, machine.Thread.Process, isZombie: true);
        Handle<Process> other = Add(machine, 12, machine.Thread.Process);
        machine.Answers[Sys.setpgid] = _ => 0;
        Assert.Equal(0, machine.Call(Sys.setpgid, 11, 0));
        Assert.Equal(0, machine.Call(Sys.setpgid, 12, 11));
        Assert.Equal(11, Pool<Process>.Get(other).Group);
        Assert.Equal(-Errno.EIO, Wait(machine, -12, 11));
        Assert.Equal(-Errno.EIO, Wait(machine, -11, -Errno.ECHILD));
        Assert.Equal(-Errno.ECHILD, Wait(machine, -12, -Errno.ECHILD));
        Assert.Equal(-Errno.EIO, WaitId(machine, 2, 12, 4, 11, 1, 0));
        Assert.Equal(11, Wait(machine, -11, 11));
        machine.Answers[Sys.setpgid] = _ => -Errno.EPERM;
        Assert.Equal(-Errno.EPERM, machine.Call(Sys.setpgid, 12, 0));
        Assert.Equal((11, 0), (Pool<Process>.Get(other).Group, Pool<Process>.Get(other).GroupChanges));
        machine.Answers[Sys.setsid] = _ => Self;
        Assert.Equal(Self, machine.Call(Sys.setsid));
        Assert.Equal(Self, Pool<Process>.Get(machine.Thread.Process).Group);
        machine.Answers[Sys.setsid] = _ => 3;
        Assert.Equal(-Errno.EIO, machine.Call(Sys.setsid));
    }

    [Fact]
    public void Only_numbers_that_may_be_free_are_given_again()
    {
        CallMachine machine = Start();
        Handle<Process> zombie = Add(machine, 11, machine.Thread.Process, isZombie: true);
        ProcessTree.ForgetReaped(11);
        Assert.True(Pool<Process>.IsLive(zombie));
        Pool<Process>.Get(zombie).MayBeReaped = true;
        ProcessTree.ForgetReaped(11);
        Assert.False(Pool<Process>.IsLive(zombie));
    }
}
