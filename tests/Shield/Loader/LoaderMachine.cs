using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using BlackBox.Images;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>An enclave before its first program, over an OS that serves the files of a protected image, changed as a test likes.</summary>
internal sealed class LoaderMachine : IMachine
{
    private const ulong OsBuffer = 0x7F00_0000_0000;
    private const int BufferBytes = 256 << 10;
    private readonly List<string> opened = [];

    public LoaderMachine(BlackBox.Images.ProtectedImage image)
    {
        foreach (RootEntry entry in image.Root.Entries)
        {
            if (entry.Kind == RootEntryKind.RegularFile)
            {
                Files[entry.Path.Text] = entry.Content!.ReadAllBytes();
            }
            else
            {
                _ = Directories.Add(entry.Path.Text);
            }
        }
    }

    /// <summary>The kernel's command line.</summary>
    public string BootArguments { get; set; } = string.Empty;

    public ReadOnlySpan<byte> CommandLine => Encoding.ASCII.GetBytes(BootArguments.PadRight(FrameAddress.Size, '\0'));

    /// <summary>Directories and links that the OS has.</summary>
    public HashSet<string> Directories { get; } = [];

    /// <summary>Bytes of the image that the OS was asked for.</summary>
    public long BytesServed { get; private set; }

    /// <summary>What the OS serves, by path.</summary>
    public Dictionary<string, byte[]> Files { get; } = [];

    public List<string> Lines { get; } = [];

    public List<(Sys Number, ulong[] Arguments)> Seen { get; } = [];

    public List<Service> Services { get; } = [];

    /// <summary>Bytes that a read gives at most.</summary>
    public int Piece { get; set; } = int.MaxValue;

    /// <summary>The program that the last start named.</summary>
    public string Name { get; private set; } = string.Empty;

    public Func<long> Execve { get; set; } = () => 0;

    public Handle<Thread> Self { get; private set; }

    public ref Thread Thread => ref Pool<Thread>.Get(Self);

    public bool IsEventPending => false;

    public void Log(string line) => Lines.Add(line);

    /// <summary>Starts the first program as Linux's exec passes it.</summary>
    public long Start(string path, string[] arguments, params string[] environment)
    {
        Hardware.Start(this, 24UL << 20, BufferBytes);
        KernelLock.Reset();
        Frames.Reset();
        AddressSpaces.Reset();
        FileTable.Reset();
        ProtectedFiles.Reset();
        CodePolicy.AllowsUnverified = false;
        Pool<Thread>.Reset();
        Pool<Process>.Reset();
        Pool<SignalActions>.Reset();
        Pool<QueuedSignal>.Reset();
        Descriptors.Reset();
        Translation.Start();
        byte[] strings = Encoding.UTF8.GetBytes(string.Concat(new[] { path }.Concat(arguments).Concat(environment).Select(text => text + "\0")));
        Span<ulong> header = MemoryMarshal.Cast<byte, ulong>(Hardware.Memory(BufferLayout.LentBit, BufferLayout.HeaderSize));
        header[BufferLayout.BufferAddress / 8] = OsBuffer;
        header[BufferLayout.ServiceAddress / 8] = OsBuffer + (1 << 20);
        header[BufferLayout.ThreadId / 8] = (1UL << 32) | 1;
        header[BufferLayout.StackLimit / 8] = 8 << 20;
        header[BufferLayout.ExecArgumentCount / 8] = (ulong)arguments.Length;
        header[BufferLayout.ExecEnvironmentCount / 8] = (ulong)environment.Length;
        header[BufferLayout.ExecStringBytes / 8] = (ulong)strings.Length;
        strings.CopyTo(Hardware.Memory(BufferLayout.LentBit + BufferLayout.HeaderSize, strings.Length));
        Boot.Start(4UL << 20, 24UL << 20);
        Assert.True(Frames.TryAllocate(out FrameAddress registers));
        ref Thread thread = ref Boot.MakeFirstThread(Hardware.KernelAddress(registers.Value), BufferLayout.LentBit, BufferBytes, 1);
        Self = thread.Self;
        Hardware.CurrentTask = 1;
        KernelLock.Acquire();
        ref Process process = ref Pool<Process>.Get(thread.Process);
        Assert.True(DescriptorTables.TryStart(ref process) && FileSystems.TryStart(ref process));
        Assert.True(SignalEntry.TryCloneActions(ref process, share: false, out process.Actions));
        byte[] name = new byte[96];
        long result = Loader.StartFirstProgram(ref thread, name);
        Name = Encoding.UTF8.GetString(name).TrimEnd('\0');
        return result;
    }

    public byte[] Read(ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Assert.True(UserMemory.TryRead(ref Thread, address, bytes), $"cannot read {address:x}");
        return bytes;
    }

    public ulong Word(ulong address) => MemoryMarshal.Read<ulong>(Read(address, 8));

    public string Text(ulong address)
    {
        byte[] bytes = new byte[4096];
        Assert.True(UserMemory.TryReadString(ref Thread, address, bytes, out long length));
        return Encoding.UTF8.GetString(bytes, 0, (int)length);
    }

    /// <summary>The program's stack: arguments, environment, auxiliary vector.</summary>
    public (string[] Arguments, string[] Environment, Dictionary<ulong, ulong> Auxiliary) ReadStack()
    {
        ulong at = Thread.Registers.Sp;
        Assert.Equal(0UL, at & 15);
        ulong count = Word(at);
        string[] arguments = List(at += 8);
        Assert.Equal((int)count, arguments.Length);
        string[] environment = List(at += 8 * (count + 1));
        at += 8 * ((ulong)environment.Length + 1);
        Dictionary<ulong, ulong> auxiliary = [];
        for (ulong key = Word(at); key != 0; key = Word(at += 16))
        {
            auxiliary.Add(key, Word(at + 8));
        }

        return (arguments, environment, auxiliary);
    }

    public long UnwrapKey(ulong ipa, ReadOnlySpan<byte> report) => DevelopmentPlatform.TryUnwrap(Hardware.Memory(ipa, 192)) ? Status.Success : Status.Denied;

    public OsReturn OsCall(ulong number, ReadOnlySpan<ulong> a)
    {
        Assert.False(KernelLock.IsHeld);
        Seen.Add(((Sys)number, a.ToArray()));
        long result = (Sys)number switch
        {
            Sys.openat => Open(OsText(a[1])),
            Sys.execve => Execve(),
            Sys.newfstatat or Sys.getdents64 or Sys.fstat or Sys.statx when !Outside(a) => throw new InvalidOperationException("the OS was asked about the image"),
            Sys.faccessat => Files.ContainsKey(OsText(a[1])) ? 0 : -Errno.ENOENT,
            Sys.rt_sigaction => -Errno.EINVAL,
            Sys.ppoll => -Errno.EINVAL,
            _ => 0,
        };
        return new OsReturn { Result = (ulong)result, Offset = BufferLayout.GateDone, Number = number };
    }

    private bool Outside(ReadOnlySpan<ulong> a) => a[1] is > OsBuffer and < OsBuffer + BufferBytes && OsText(a[1]).StartsWith("/proc", StringComparison.Ordinal);

    public string OsText(ulong address)
    {
        Span<byte> bytes = Hardware.Memory(BufferLayout.LentBit + (address - OsBuffer), 4096);
        return Encoding.UTF8.GetString(bytes[..bytes.IndexOf((byte)0)]);
    }

    public OsReturn OsFault(ulong address)
    {
        Span<ulong> header = MemoryMarshal.Cast<byte, ulong>(Hardware.Memory(BufferLayout.LentBit, BufferLayout.HeaderSize));
        ulong first = header[BufferLayout.Argument0 / 8];
        Services.Add((Service)header[BufferLayout.Operation / 8]);
        header[BufferLayout.Result / 8] = (ulong)((Service)header[BufferLayout.Operation / 8] switch
        {
            Service.PinFile => (long)first - 99,
            Service.UnpinFile => 0,
            Service.ReadFile => Serve((int)first - 1, header[BufferLayout.Argument1 / 8], header[BufferLayout.Argument2 / 8]),
            _ => -Errno.ENOMEM,
        });
        header[BufferLayout.Operation / 8] = 0;
        return new OsReturn { Offset = BufferLayout.GateDone };
    }

    public ulong EventGet(out ulong signal, out ulong frame) => throw new NotSupportedException();

    public long AcceptMemory(ulong address, ulong frames) => Status.Denied;

    public long ReleaseMemory(ulong address, ulong frames) => Status.Success;

    public long TicketIssue(ulong entry, ulong stack, ulong argument) => Status.Denied;

    public long TicketCancel() => Status.Denied;

    private string[] List(ulong at)
    {
        List<string> texts = [];
        for (ulong text = Word(at); text != 0; text = Word(at += 8))
        {
            texts.Add(Text(text));
        }

        return [.. texts];
    }

    private long Open(string path)
    {
        if (!Files.ContainsKey(path) && !Directories.Contains(path))
        {
            return -Errno.ENOENT;
        }

        opened.Add(path);
        return 99 + opened.Count;
    }

    private long Serve(int pin, ulong offset, ulong length)
    {
        if (!Files.TryGetValue(opened[pin], out byte[]? file))
        {
            return -Errno.EISDIR;
        }

        if (offset >= (ulong)file.Length)
        {
            return 0;
        }

        int count = (int)Math.Min(Math.Min(length, (ulong)Piece), (ulong)file.Length - offset);
        BytesServed += count;
        file.AsSpan((int)offset, count).CopyTo(Hardware.Memory(BufferLayout.LentBit + BufferLayout.HeaderSize, count));
        return count;
    }
}
