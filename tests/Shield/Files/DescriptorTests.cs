using System;
using System.Collections.Generic;
using System.Linq;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

public class DescriptorTests
{
    private const int Open = CallMachine.OpenDescriptors;
    private const ulong At = CallMachine.UserBase;

    [Theory]
    [InlineData(5)]
    [InlineData(0)]
    [InlineData(1 << 20)]
    [InlineData(long.MaxValue)]
    public void A_number_that_cannot_be_new_is_refused_and_nothing_is_closed(long forged)
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.eventfd2] = _ => forged;
        machine.Answers[Sys.close] = _ => 0;
        Assert.Equal(-Errno.EIO, machine.Call(Sys.eventfd2, 0, 0));
        Assert.DoesNotContain(machine.Seen, call => call.Number == Sys.close);
        Assert.Equal(1ul, Descriptors.Lies);
        Assert.True(Descriptors.TryFind(ref machine.Thread, 5, out _));
    }

    [Fact]
    public void What_is_not_open_never_reaches_the_os()
    {
        CallMachine machine = CallMachine.Start();
        Assert.Equal(-Errno.EBADF, machine.Call(Sys.close, Open));
        Assert.Equal(-Errno.EBADF, machine.Call(Sys.read, Open, At, 10));
        Assert.Equal(-Errno.EBADF, machine.Call(Sys.write, ulong.MaxValue, At, 10));
        Assert.Equal(-Errno.EBADF, machine.Call(Sys.dup, Open));
        Assert.Equal(-Errno.EBADF, machine.Call(Sys.fcntl, Open, 1));
        Assert.Empty(machine.Seen);
    }

    [Fact]
    public void A_second_number_equal_to_the_first_is_a_lie_and_the_pair_is_undone()
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.pipe2] = a =>
        {
            CallMachine.Os(a[0], 8).Clear();
            CallMachine.Os(a[0], 8)[0] = 40;
            CallMachine.Os(a[0], 8)[4] = 40;
            return 0;
        };
        machine.Answers[Sys.close] = _ => 0;
        Assert.Equal(-Errno.EIO, machine.Call(Sys.pipe2, At, 0));
        Assert.False(Descriptors.TryFind(ref machine.Thread, 40, out _));
        Assert.Equal(Open, Pool<OpenFile>.Count);
        Assert.Equal(0, Pool<Channel>.Count);
    }

    [Fact]
    public void Dup_with_a_least_number_that_is_not_kept_is_a_lie()
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.fcntl] = _ => 20;
        Assert.Equal(-Errno.EIO, machine.Call(Sys.fcntl, 3, 0, 100));
        Assert.Equal(20, machine.Call(Sys.fcntl, 3, 1030, 17));
        Assert.Equal(1, machine.Call(Sys.fcntl, 20, 1));
    }

    /// <summary>Random opening, copying, closing, forking and exec against a plain dictionary; Linux gives the least free number.</summary>
    [Fact]
    public void The_table_behaves_like_its_model()
    {
        Gen<(int Kind, int One, int Two)> step = Gen.Select(Gen.Int[0, 7], Gen.Int[0, 700], Gen.Int[0, 700]);
        step.List[1, 80].Sample(
            steps =>
            {
                CallMachine machine = CallMachine.Start();
                SortedDictionary<int, (int File, bool CloseOnExec)> model = [];
                for (int i = 0; i < Open; i++)
                {
                    model[i] = (i, false);
                }

                int files = Open;
                int Free(int from)
                {
                    while (model.ContainsKey(from))
                    {
                        from++;
                    }

                    return from;
                }

                machine.Answers[Sys.eventfd2] = _ => Free(0);
                machine.Answers[Sys.dup] = _ => Free(0);
                machine.Answers[Sys.fcntl] = a => a[1] is 0 or 1030 ? Free((int)a[2]) : 0;
                machine.Answers[Sys.dup3] = a => (long)a[1];
                machine.Answers[Sys.close] = _ => 0;
                machine.Answers[Sys.close_range] = _ => 0;
                foreach ((int kind, int one, int two) in steps)
                {
                    bool known = model.TryGetValue(one, out (int File, bool CloseOnExec) entry);
                    int lowest = Free(0);
                    int above = Free(two);
                    switch (kind)
                    {
                        case 0:
                            Assert.Equal(lowest, machine.Call(Sys.eventfd2, 0, one % 2 == 0 ? 0x8_0000u : 0));
                            model[lowest] = (files++, one % 2 == 0);
                            break;
                        case 1:
                            Assert.Equal(known ? lowest : -Errno.EBADF, machine.Call(Sys.dup, (ulong)one));
                            _ = known && model.TryAdd(lowest, (entry.File, false));
                            break;
                        case 2:
                            Assert.Equal(known ? above : -Errno.EBADF, machine.Call(Sys.fcntl, (ulong)one, 1030, (ulong)two));
                            _ = known && model.TryAdd(above, (entry.File, true));
                            break;
                        case 3:
                            Assert.Equal(one == two ? -Errno.EINVAL : known ? two : -Errno.EBADF, machine.Call(Sys.dup3, (ulong)one, (ulong)two, 0));
                            if (known && one != two)
                            {
                                model[two] = (entry.File, false);
                            }

                            break;
                        case 4:
                            Assert.Equal(known ? 0 : -Errno.EBADF, machine.Call(Sys.close, (ulong)one));
                            model.Remove(one);
                            break;
                        case 5 when one % 8 == 0:
                            Assert.Equal(one <= two ? 0 : -Errno.EINVAL, machine.Call(Sys.close_range, (ulong)one, (ulong)two, 0));
                            foreach (int number in model.Keys.Where(number => number >= one && number <= two).ToArray())
                            {
                                model.Remove(number);
                            }

                            break;
                        case 6:
                            Fork(machine);
                            break;
                        case 7 when one % 8 == 0:
                            DescriptorTables.CloseForExec(ref Pool<Process>.Get(machine.Thread.Process));
                            foreach (int number in model.Where(pair => pair.Value.CloseOnExec).Select(pair => pair.Key).ToArray())
                            {
                                model.Remove(number);
                            }

                            break;
                        default:
                            break;
                    }

                    Check(machine, model);
                }
            },
            iter: 60, threads: 1);
    }

    private static void Fork(CallMachine machine)
    {
        ref Process process = ref Pool<Process>.Get(machine.Thread.Process);
        Assert.True(DescriptorTables.TryClone(ref process, share: false, out Handle<DescriptorTable> child));
        Handle<DescriptorTable> parent = process.Files;
        process.Files = child;
        DescriptorTables.Release(parent);
    }

    private static void Check(CallMachine machine, SortedDictionary<int, (int File, bool CloseOnExec)> model)
    {
        ref DescriptorTable table = ref Descriptors.Table(ref machine.Thread);
        Assert.Equal(model.Count, table.Count);
        Dictionary<int, Handle<OpenFile>> files = [];
        int number = 0;
        foreach ((int expected, (int file, bool closeOnExec)) in model)
        {
            Assert.True(DescriptorPages.TryNext(ref table, ref number, out Descriptor descriptor));
            Assert.Equal(expected, number++);
            Assert.Equal(closeOnExec, descriptor.CloseOnExec);
            Assert.True(!files.TryGetValue(file, out Handle<OpenFile> seen) || seen.Is(descriptor.File));
            files[file] = descriptor.File;
        }

        Assert.False(DescriptorPages.TryNext(ref table, ref number, out _));
        Assert.Equal(files.Count, Pool<OpenFile>.Count);
        foreach ((int file, Handle<OpenFile> handle) in files)
        {
            Assert.Equal(model.Values.Count(entry => entry.File == file), Pool<OpenFile>.Get(handle).References);
        }
    }

    [Fact]
    public void A_number_closed_while_a_threaded_process_forked_may_come_again()
    {
        CallMachine machine = CallMachine.Start();
        Pool<Process>.Get(machine.Thread.Process).ThreadCount = 2;
        Fork(machine);
        machine.Answers[Sys.eventfd2] = _ => 7;
        Assert.Equal(7, machine.Call(Sys.eventfd2, 0, 0));
        Assert.Equal(-Errno.EIO, machine.Call(Sys.eventfd2, 0, 0));
    }

    [Fact]
    public void What_the_first_process_inherits_is_asked_for_once()
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.ppoll] = a =>
        {
            Span<byte> entries = CallMachine.Os(a[0], (int)a[1] * 8);
            for (int i = 0; i < (int)a[1]; i++)
            {
                entries[(i * 8) + 6] = i is 0 or 1 or 20 ? (byte)0 : (byte)0x20;
            }

            return 1;
        };
        DescriptorTables.Inherit(ref machine.Thread);
        Assert.Equal(3, Descriptors.Table(ref machine.Thread).Count);
        Assert.True(Descriptors.TryFind(ref machine.Thread, 20, out _));
    }

    [Fact]
    public void A_protected_file_is_read_from_verified_pages_with_a_position_that_copies_share()
    {
        CallMachine machine = CallMachine.Start();
        byte[] content = [.. Enumerable.Range(0, 10_000).Select(i => (byte)(i * 5))];
        machine.Serve = service =>
        {
            ReadOnlySpan<ulong> header = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(Hardware.Memory(BufferLayout.LentBit, BufferLayout.HeaderSize));
            if (service != Service.ReadFile)
            {
                return -Errno.ENOSYS;
            }

            int from = (int)header[BufferLayout.Argument1 / 8];
            int bytes = Math.Min((int)header[BufferLayout.Argument2 / 8], content.Length - from);
            content.AsSpan(from, bytes).CopyTo(CallMachine.OsData());
            return bytes;
        };
        machine.Answers[Sys.dup] = _ => 31;
        FileIdentity identity = new(FileSource.Clear, 1, 2);
        Assert.True(PageCache.TryOpen(in identity, (ulong)content.Length, 0, 9, false, 0, out Handle<MemoryObject> pages, out _));
        Assert.True(OpenFiles.TryMake(OpenFileKind.Protected, 0, out Handle<OpenFile> file));
        Pool<OpenFile>.Get(file).Object = pages;
        Assert.Equal(30, Descriptors.Record(ref machine.Thread, 30, file, closeOnExec: false));
        Assert.Equal(31, machine.Call(Sys.dup, 30));
        Assert.Equal(5000, machine.Call(Sys.read, 30, At, 5000));
        Assert.Equal(5000, machine.Call(Sys.read, 31, At + 5000, 50_000));
        Assert.Equal(content, machine.ReadUser(At, 10_000));
        Assert.Equal(0, machine.Call(Sys.read, 30, At, 10));
        Assert.Equal(7, machine.Call(Sys.lseek, 30, 7, 0));
        machine.WriteUser(At, At + 0x4000, 3, At + 0x5000, 4);
        Assert.Equal(7, machine.Call(Sys.readv, 31, At, 2));
        Assert.Equal(content[7..10], machine.ReadUser(At + 0x4000, 3));
        Assert.Equal(content[10..14], machine.ReadUser(At + 0x5000, 4));
        Assert.Equal(-Errno.EBADF, machine.Call(Sys.write, 30, At, 10));
        Assert.Equal(-Errno.EINVAL, machine.Call(Sys.ftruncate, 30, 0));
        Assert.Equal(-Errno.EINVAL, machine.Call(Sys.lseek, 30, unchecked((ulong)-8), 0));
        Assert.DoesNotContain(machine.Seen, call => call.Number is Sys.read or Sys.readv or Sys.lseek or Sys.write);
    }

    [Fact]
    public void A_memory_file_lives_in_the_enclave_alone()
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.memfd_create] = _ => 30;
        machine.Answers[Sys.dup] = _ => 31;
        machine.WriteUser(At, "name\0"u8);
        Assert.Equal(30, machine.Call(Sys.memfd_create, At, 1));
        byte[] data = [.. Enumerable.Range(0, 10_000).Select(i => (byte)(i * 3))];
        machine.WriteUser(At, data);
        Assert.Equal(10_000, machine.Call(Sys.write, 30, At, 10_000));
        Assert.Equal(31, machine.Call(Sys.dup, 30));
        Assert.Equal(5, machine.Call(Sys.lseek, 31, unchecked((ulong)-9_995), 1));
        Assert.Equal(100, machine.Call(Sys.read, 30, At + 0x10_000, 100));
        Assert.Equal(data[5..105], machine.ReadUser(At + 0x10_000, 100));
        Assert.Equal(0, machine.Call(Sys.ftruncate, 30, 50));
        Assert.Equal(0, machine.Call(Sys.read, 31, At, 100));
        Assert.Equal(50, machine.Call(Sys.pread64, 31, At, 100, 0));
        Assert.Equal(-Errno.EPERM, machine.Call(Sys.fcntl, 30, 1033, 2));
        Assert.DoesNotContain(machine.Seen, call => call.Number is Sys.write or Sys.read or Sys.lseek or Sys.ftruncate);
    }

    [Fact]
    public void A_name_in_dev_shm_is_an_object_of_the_enclave()
    {
        CallMachine machine = CallMachine.Start();
        int next = 30;
        machine.Answers[Sys.openat] = _ => next++;
        machine.Answers[Sys.unlinkat] = _ => 0;
        machine.Answers[Sys.close] = _ => 0;
        machine.WriteUser(At, "/dev/shm/x\0"u8);
        machine.WriteUser(At + 0x1000, "hello"u8);
        Assert.Equal(30, machine.Call(Sys.openat, unchecked((ulong)-100), At, 0x42, 0x180));
        Assert.Equal(5, machine.Call(Sys.write, 30, At + 0x1000, 5));
        Assert.Equal(31, machine.Call(Sys.openat, unchecked((ulong)-100), At, 0x2, 0));
        Assert.Equal(5, machine.Call(Sys.read, 31, At + 0x2000, 50));
        Assert.Equal("hello"u8.ToArray(), machine.ReadUser(At + 0x2000, 5));
        Assert.Equal(0, machine.Call(Sys.unlinkat, unchecked((ulong)-100), At, 0));
        Assert.Equal(32, machine.Call(Sys.openat, unchecked((ulong)-100), At, 0x42, 0x180));
        Assert.Equal(0, machine.Call(Sys.read, 32, At + 0x2000, 50));
        Assert.Equal(0, machine.Call(Sys.close, 30));
        Assert.Equal(0, machine.Call(Sys.close, 31));
        Assert.Equal(1, Pool<MemoryObject>.Count);
    }
}
