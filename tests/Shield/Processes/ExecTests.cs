using System;
using System.Linq;
using System.Text;
using BlackBox.Images;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>execve inside the enclave: the new program takes over, or nothing has happened.</summary>
public class ExecTests
{
    private const ulong Low = 0x40_0000;
    private const string Program = "/usr/bin/program";

    private static readonly BlackBox.Images.ProtectedImage Image = new InMemoryImage("exec")
        .AddFile(Program, TestElf.Make(Low, 1))
        .AddFile("/usr/bin/other", TestElf.Make(Low, 2))
        .AddFile("/usr/bin/plain", TestElf.Make(Low, 3), 0x1A4)
        .AddFile("/usr/bin/script", Encoding.UTF8.GetBytes("#!/bin/other arg\n"))
        .AddFile("/usr/bin/endless", Encoding.UTF8.GetBytes("#!/bin/endless\n"))
        .AddFile("/etc/clear", "text"u8.ToArray(), 0x1A4)
        .AddLink("/bin", "usr/bin")
        .AddLink("/loop", "loop")
        .Configure(c => c with { WorkingDirectory = "/usr" })
        .Start(Program).Protect();

    /// <summary>Place in the program's .bss.</summary>
    private static readonly ulong At = TestElf.DataAt(Low) + 4096;

    private static LoaderMachine Start()
    {
        LoaderMachine machine = new(Image);
        Assert.Equal(0, machine.Start(Program, [Program]));
        return machine;
    }

    private static long Execute(LoaderMachine machine, string path, string[] arguments, params string[] environment)
    {
        ulong text = At + 2048;
        ulong Put(string value)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(value + "\0");
            Assert.True(UserMemory.TryWrite(ref machine.Thread, text, bytes));
            text += (ulong)bytes.Length;
            return text - (ulong)bytes.Length;
        }

        ulong[] list = [.. arguments.Select(Put), 0, .. environment.Select(Put), 0];
        Assert.True(UserMemory.TryWrite(ref machine.Thread, At, System.Runtime.InteropServices.MemoryMarshal.AsBytes<ulong>(list)));
        CallArguments a = default;
        (a[0], a[1], a[2]) = (Put(path), At, At + (8 * (ulong)(arguments.Length + 1)));
        return Dispatcher.Serve(ref machine.Thread, (uint)Sys.execve, ref a);
    }

    [Theory]
    [InlineData("/bin/other", new[] { "o", "SECRET" }, new[] { "o", "SECRET" }, "/usr/bin/other")]
    [InlineData("bin/other", new[] { "o" }, new[] { "o" }, "/usr/bin/other")]
    [InlineData("/bin/script", new[] { "s", "SECRET" }, new[] { "/bin/other", "arg", "/bin/script", "SECRET" }, "/usr/bin/other")]
    [InlineData("/bin/other", new string[0], new[] { "" }, "/usr/bin/other")]
    public void The_new_program_takes_over(string path, string[] given, string[] seen, string os)
    {
        LoaderMachine machine = Start();
        ref Thread thread = ref machine.Thread;
        Handle<AddressSpace> old = Pool<Process>.Get(thread.Process).Memory;
        SignalEntry.Actions(ref thread).Of(10).Handler = 0x1000;
        SignalEntry.Actions(ref thread).Of(12).Handler = SignalAction.Ignore;
        thread.Registers.X[7] = 7;
        Array.Fill(Hardware.Vectors, (byte)1);
        Hardware.ThreadPointer = 9;
        string[] passed = [];
        machine.Execve = () =>
        {
            ulong[] arguments = machine.Seen[^1].Arguments;
            passed = [machine.OsText(arguments[0])];
            int start = BufferLayout.HeaderSize + machine.Thread.ServiceBytes;
            Assert.Equal(-1, Hardware.Memory(BufferLayout.LentBit + (ulong)start, 60_000).IndexOf("SECRET"u8));
            return 0;
        };
        Assert.Equal(CallResult.NoReturn, Execute(machine, path, given, "E=1"));
        Assert.Equal([os], passed);
        Assert.Equal(Low + TestElf.Start, thread.Registers.Pc);
        Assert.Equal(0UL, thread.Registers.X[7] | Hardware.ThreadPointer);
        Assert.True(Hardware.Vectors.All(value => value == 0));
        Assert.Equal(TestElf.ByteAt(0x500, 2), machine.Read(Low + 0x500, 1)[0]);
        (string[] arguments, string[] environment, _) = machine.ReadStack();
        Assert.Equal(seen, arguments);
        Assert.Equal(["E=1"], environment);
        Assert.Equal(SignalAction.Default, SignalEntry.Actions(ref thread).Of(10).Handler);
        Assert.Equal(SignalAction.Ignore, SignalEntry.Actions(ref thread).Of(12).Handler);
        Assert.False(Pool<AddressSpace>.IsLive(old));
    }

    [Theory]
    [InlineData("/bin/nothing", Errno.ENOENT)]
    [InlineData("/etc/clear", Errno.EACCES)]
    [InlineData("", Errno.ENOENT)]
    [InlineData("/bin/plain", Errno.EACCES)]
    [InlineData("/bin/endless", Errno.ELOOP)]
    [InlineData("/loop", Errno.ELOOP)]
    [InlineData("/bin/other/x", Errno.ENOTDIR)]
    [InlineData("/bin/other", Errno.EPERM)]
    public void A_failure_changes_nothing(string path, long error)
    {
        LoaderMachine machine = Start();
        machine.Execve = () => -Errno.EPERM;
        _ = Execute(machine, path, ["x"]);
        Handle<AddressSpace> memory = Pool<Process>.Get(machine.Thread.Process).Memory;
        Handle<SignalActions> actions = Pool<Process>.Get(machine.Thread.Process).Actions;
        ulong pc = machine.Thread.Registers.Pc;
        int free = Frames.FreeCount;
        Assert.Equal(-error, Execute(machine, path, ["x"]));
        Assert.Equal(free, Frames.FreeCount);
        Assert.True(memory.Is(Pool<Process>.Get(machine.Thread.Process).Memory));
        Assert.True(actions.Is(Pool<Process>.Get(machine.Thread.Process).Actions));
        Assert.Equal(pc, machine.Thread.Registers.Pc);
        Assert.Equal(TestElf.ByteAt(0x500, 1), machine.Read(Low + 0x500, 1)[0]);
    }

    [Fact]
    public void Bad_pointers_and_too_much_text_are_errors()
    {
        LoaderMachine machine = Start();
        CallArguments a = default;
        Assert.Equal(-Errno.EFAULT, Dispatcher.Serve(ref machine.Thread, (uint)Sys.execve, ref a));
        Assert.True(UserMemory.TryWrite(ref machine.Thread, At, "/bin/other\0"u8));
        (a[0], a[1]) = (At, ulong.MaxValue - 7);
        Assert.Equal(-Errno.EFAULT, Dispatcher.Serve(ref machine.Thread, (uint)Sys.execve, ref a));

        // One string of 1 KiB, two thousand times: below the block's 2 MiB, above a quarter of the stack limit, 2 MiB, with pointers.
        const ulong Area = 0x5000_0000;
        Assert.True(AddressSpaces.TryMapAnonymous(ref machine.Thread, Area, 1 << 20, 3));
        Assert.True(UserMemory.TryFill(ref machine.Thread, Area, 1023, (byte)'x'));
        for (ulong i = 0; i < 2040; i++)
        {
            Assert.True(UserMemory.TryWrite(ref machine.Thread, Area + 4096 + (8 * i), Area));
        }

        a[1] = Area + 4096;
        int free = Frames.FreeCount;
        Assert.Equal(-Errno.E2BIG, Dispatcher.Serve(ref machine.Thread, (uint)Sys.execve, ref a));
        Assert.InRange(Frames.FreeCount, free - 64, free);
    }

    [Fact]
    public void Waiters_on_the_old_memory_hear_of_the_end()
    {
        LoaderMachine machine = Start();
        ref Thread thread = ref machine.Thread;
        ref Process process = ref Pool<Process>.Get(thread.Process);
        AddressSpaces.AddReference(process.Memory);
        Handle<AddressSpace> old = process.Memory;
        thread.ClearChildTid = At + 1024;
        thread.RobustList = At + 1100 + 4;
        ulong[] head = [At + 1200, 8, 0];
        Assert.True(UserMemory.TryWrite(ref thread, At + 1104, System.Runtime.InteropServices.MemoryMarshal.AsBytes<ulong>(head)));
        Assert.True(UserMemory.TryWrite(ref thread, At + 1200, At + 1104));
        Assert.True(UserMemory.TryWrite(ref thread, At + 1208, 1U));
        Assert.True(UserMemory.TryWrite(ref thread, At + 1024, 1U));
        Assert.Equal(CallResult.NoReturn, Execute(machine, "/bin/other", ["x"]));
        process.Memory = old;
        Assert.Equal(0x4000_0000UL, machine.Word(At + 1208) & 0xFFFF_FFFF);
        Assert.Equal(0UL, machine.Word(At + 1024) & 0xFFFF_FFFF);
    }

    [Fact]
    public void A_thread_that_Linux_left_alive_stops_the_enclave()
    {
        LoaderMachine machine = Start();
        machine.Execve = () =>
        {
            Assert.True(Pool<Thread>.TryAdd(out Handle<Thread> other));
            Pool<Thread>.Get(other).Self = other;
            ProcessTree.Link(ref Pool<Process>.Get(machine.Thread.Process), ref Pool<Thread>.Get(other));
            return 0;
        };
        Assert.Equal(PanicReason.Protocol, Assert.Throws<ShieldStoppedException>(() => Execute(machine, "/bin/other", ["x"])).Reason);
    }

    [Theory]
    [InlineData("/proc/self/exe")]
    [InlineData("/proc/thread-self/exe")]
    [InlineData("/proc/1/exe")]
    [InlineData("/proc/../proc/self/./exe")]
    public void The_link_to_the_own_program_is_the_shields(string link)
    {
        LoaderMachine machine = Start();
        Assert.Equal(Program, OwnProgram(machine, link));
        string[] passed = [];
        machine.Execve = () =>
        {
            passed = [.. passed, machine.OsText(machine.Seen[^1].Arguments[0])];
            return 0;
        };
        Assert.Equal(CallResult.NoReturn, Execute(machine, "/bin/other", ["o"]));
        Assert.Equal("/usr/bin/other", OwnProgram(machine, link));
        Assert.Equal(CallResult.NoReturn, Execute(machine, link, ["again"]));
        Assert.Equal(["/usr/bin/other", "/usr/bin/other"], passed);
        Assert.Equal("/usr/bin/other", OwnProgram(machine, link));
        Assert.DoesNotContain(machine.Seen, call => call.Number == Sys.readlinkat);

        // Of other processes, and other links, the OS has the word.
        Assert.Equal(string.Empty, OwnProgram(machine, "/proc/2/exe"));
        Assert.Contains(machine.Seen, call => call.Number == Sys.readlinkat);
    }

    private static string OwnProgram(LoaderMachine machine, string link)
    {
        byte[] text = Encoding.UTF8.GetBytes(link + "\0");
        Assert.True(UserMemory.TryWrite(ref machine.Thread, At, text));
        CallArguments a = default;
        (a[0], a[1], a[2], a[3]) = (PathWork.CurrentDirectory, At, At + 256, 200);
        long length = Dispatcher.Serve(ref machine.Thread, (uint)Sys.readlinkat, ref a);
        Assert.InRange(length, 0, 200);
        return Encoding.UTF8.GetString(machine.Read(At + 256, (int)length));
    }
}
