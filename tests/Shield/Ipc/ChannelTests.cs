using System;
using System.Collections.Generic;
using System.Linq;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

public class ChannelTests
{
    private const uint NonBlock = 0x800;
    private const uint Stream = 1;
    private const uint Datagram = 2;
    private const uint Packet = 5;

    private static byte[] Pattern(int length, int start = 1) => [.. Enumerable.Range(start, length).Select(i => (byte)((i * 7) + (i >> 8) + 1))];

    private static ulong[] Words(params ulong[] words) => words;

    private static void PutWords(ChannelMachine machine, ulong address, params ulong[] words) =>
        Assert.True(UserMemory.TryWrite(ref machine.ThreadOf(0), address, System.Runtime.InteropServices.MemoryMarshal.AsBytes<ulong>(words)));

    private static T Get<T>(ChannelMachine machine, ulong address)
        where T : unmanaged
    {
        Assert.True(UserMemory.TryRead(ref machine.ThreadOf(0), address, out T value));
        return value;
    }

    [Fact]
    public void Bytes_of_a_pipe_come_out_in_order_and_never_leave()
    {
        ChannelMachine machine = ChannelMachine.Start();
        (int read, int write) = machine.MakePipe();
        byte[] data = Pattern(10_000);
        Assert.Equal(10_000, machine.Write(0, write, data));
        Assert.Equal(10_000, machine.Linux(write).Outgoing!.Bytes);
        Assert.Equal(3, machine.Read(0, read, 3, out byte[] first));
        Assert.Equal(9_997, machine.Read(0, read, 50_000, out byte[] rest));
        Assert.Equal(data, first.Concat(rest));
        Assert.Equal(0, machine.Call(0, Sys.close, (ulong)write));
        Assert.Equal(0, machine.Read(0, read, 10, out _));
    }

    /// <summary>Random non-blocking use of one pipe by one thread against a plain queue of bytes with a capacity.</summary>
    [Fact]
    public void A_pipe_behaves_like_its_model()
    {
        Gen<(int Kind, int Bytes)> step = Gen.Select(Gen.Int[0, 3], Gen.OneOf(Gen.Int[0, 300], Gen.Int[4090, 4100], Gen.Int[0, 90_000]));
        step.List[1, 60].Sample(
            steps =>
            {
                ChannelMachine machine = ChannelMachine.Start();
                (int read, int write) = machine.MakePipe(0, NonBlock);
                Queue<byte> model = new();
                int sent = 0;
                foreach ((int kind, int bytes) in steps)
                {
                    if (kind < 2)
                    {
                        byte[] data = Pattern(bytes, sent);
                        int room = 65536 - model.Count;
                        long expected = bytes == 0 ? 0 : room == 0 || (bytes <= 4096 && bytes > room) ? -Errno.EAGAIN : Math.Min(room, bytes);

                        // A long write goes in pieces, of which the last may be one that has to fit whole.
                        long result = machine.Write(0, write, data);
                        if (bytes <= 4096)
                        {
                            Assert.Equal(expected, result);
                        }
                        else
                        {
                            Assert.True(result == expected || (result > expected - 4096 && result <= expected), $"{result} of {expected}");
                        }

                        for (int i = 0; i < result; i++)
                        {
                            model.Enqueue(data[i]);
                        }

                        sent += (int)Math.Max(result, 0);
                    }
                    else
                    {
                        long expected = bytes == 0 ? 0 : model.Count == 0 ? -Errno.EAGAIN : Math.Min(bytes, model.Count);
                        Assert.Equal(expected, machine.Read(0, read, bytes, out byte[] got));
                        foreach (byte value in got)
                        {
                            Assert.Equal(model.Dequeue(), value);
                        }
                    }

                    Assert.Equal(model.Count, machine.Linux(read).Incoming!.Bytes);
                }
            },
            iter: 40, threads: 1);
    }

    /// <summary>
    /// Several blocking writers and one blocking reader in any order of their calls: no byte lost, doubled or altered, each writer's in order, pieces up
    /// to PIPE_BUF in one, the end after all.
    /// </summary>
    [Fact]
    public void Writers_and_a_reader_interleave_without_loss()
    {
        Gen.Select(Gen.Int[1, 1_000_000], Gen.Bool, Gen.Int[1, 9000].Array[3, 12]).Sample(
            (seed, socket, sizes) =>
            {
                const int Writers = 3;
                ChannelMachine machine = ChannelMachine.Start(Writers + 1, seed);
                (int reader, int writer) = socket ? machine.MakePair(Stream) : machine.MakePipe();
                machine.Linux(writer).Outgoing!.Capacity = 12_000;
                List<byte> all = [];
                int[] sent = new int[Writers];
                int left = Writers;
                Action<int> write = me =>
                {
                    for (int i = me; i < sizes.Length; i += Writers)
                    {
                        byte[] message = [.. Enumerable.Range(sent[me], sizes[i]).Select(count => (byte)((me << 6) | (count & 63)))];
                        sent[me] += message.Length;
                        Assert.Equal(message.Length, machine.Write(me, writer, message));
                    }

                    if (--left == 0)
                    {
                        Assert.Equal(0, machine.Call(me, Sys.close, (ulong)writer));
                    }
                };
                Action<int> read = me =>
                {
                    Random random = new(seed);
                    long got;
                    while ((got = machine.Read(me, reader, random.Next(1, 20_000), out byte[] data)) > 0)
                    {
                        all.AddRange(data);
                    }

                    Assert.Equal(0, got);
                };
                machine.RunAll(write, write, write, read);
                for (int me = 0; me < Writers; me++)
                {
                    Assert.Equal(Enumerable.Range(0, sent[me]).Select(count => count & 63), all.Where(value => value >> 6 == me).Select(value => value & 63));
                }

                if (!socket)
                {
                    CheckWhole(all, sizes, Writers);
                }

                Assert.Equal(0ul, Descriptors.Lies);
            },
            iter: 60, threads: 1);
    }

    /// <summary>Whoever wrote a piece up to PIPE_BUF, nobody else's byte stands in it.</summary>
    private static void CheckWhole(List<byte> all, int[] sizes, int writers)
    {
        int[] next = [.. Enumerable.Range(0, writers)];
        int[] begun = new int[writers];
        for (int at = 0; at < all.Count;)
        {
            int writer = all[at] >> 6;
            int size = sizes[next[writer]];
            int step = size <= 4096 ? size : 1;
            for (int i = 0; i < step; i++)
            {
                Assert.Equal(writer, all[at + i] >> 6);
            }

            at += step;
            begun[writer] += step;
            if (begun[writer] == size)
            {
                begun[writer] = 0;
                next[writer] += writers;
            }
        }
    }

    [Fact]
    public void Messages_keep_their_bounds_under_all_orders()
    {
        Gen.Select(Gen.Int[1, 1_000_000], Gen.Int[0, 6000].Array[2, 30]).Sample(
            (seed, sizes) =>
            {
                ChannelMachine machine = ChannelMachine.Start(4, seed);
                (int one, int other) = machine.MakePair(Packet);
                List<byte[]> received = [];
                Action<int> send = me =>
                {
                    for (int i = me; i < sizes.Length; i += 2)
                    {
                        byte[] message = [.. Enumerable.Repeat((byte)(i + 1), sizes[i])];
                        Assert.True(UserMemory.TryWrite(ref machine.ThreadOf(me), ChannelMachine.User(me), message));
                        Assert.Equal(sizes[i], machine.Call(me, Sys.sendto, (ulong)one, ChannelMachine.User(me), (ulong)sizes[i], 0, 0, 0));
                    }
                };
                Action<int> receive = me =>
                {
                    for (int i = me - 2; i < sizes.Length; i += 2)
                    {
                        long got = machine.Call(me, Sys.recvfrom, (ulong)other, ChannelMachine.User(me), 10_000, 0, 0, 0);
                        Assert.InRange(got, 0, 10_000);
                        byte[] data = new byte[got];
                        Assert.True(UserMemory.TryRead(ref machine.ThreadOf(me), ChannelMachine.User(me), data));
                        received.Add(data);
                    }
                };
                machine.RunAll(send, send, receive, receive);
                Assert.Equal(sizes.Order(), received.Select(data => data.Length).Order());
                Assert.All(received, data => Assert.True(data.Length == 0 || (data.All(value => value == data[0]) && sizes[data[0] - 1] == data.Length)));
                Assert.Equal(0ul, Descriptors.Lies);
            },
            iter: 60, threads: 1);
    }

    [Fact]
    public void Peek_truncation_and_the_length_of_a_message_are_linuxs()
    {
        ChannelMachine machine = ChannelMachine.Start();
        (int one, int other) = machine.MakePair(Datagram | NonBlock);
        byte[] data = Pattern(100);
        Assert.Equal(100, machine.Write(0, one, data));
        ulong at = ChannelMachine.User(0);
        Assert.Equal(10, machine.Call(0, Sys.recvfrom, (ulong)other, at, 10, 2, 0, 0));
        Assert.Equal(100, machine.Call(0, Sys.recvfrom, (ulong)other, at, 10, 2 | 0x20, 0, 0));
        Assert.Equal(100, machine.Read(0, other, 500, out byte[] got));
        Assert.Equal(data, got);
        Assert.Equal(-Errno.EAGAIN, machine.Read(0, other, 500, out _));
    }

    [Fact]
    public void Peek_of_a_stream_takes_nothing()
    {
        ChannelMachine machine = ChannelMachine.Start();
        (int one, int other) = machine.MakePair(Stream);
        byte[] data = Pattern(9000);
        Assert.Equal(9000, machine.Write(0, one, data));
        Assert.Equal(5000, machine.Call(0, Sys.recvfrom, (ulong)other, ChannelMachine.User(0), 5000, 2, 0, 0));
        Assert.Equal(9000, machine.Read(0, other, 9000, out byte[] got));
        Assert.Equal(data, got);
    }

    [Fact]
    public void No_reader_is_epipe_and_no_room_is_eagain()
    {
        ChannelMachine machine = ChannelMachine.Start();
        (int read, int write) = machine.MakePipe(0, NonBlock);
        Assert.Equal(65536, machine.Write(0, write, Pattern(70_000)));
        Assert.Equal(-Errno.EAGAIN, machine.Write(0, write, Pattern(1)));
        Assert.Equal(0, machine.Call(0, Sys.close, (ulong)read));
        Assert.Equal(-Errno.EPIPE, machine.Write(0, write, Pattern(1)));
    }

    [Fact]
    public void The_wrong_end_is_ebadf_and_a_position_is_espipe()
    {
        ChannelMachine machine = ChannelMachine.Start();
        (int read, int write) = machine.MakePipe();
        Assert.Equal(-Errno.EBADF, machine.Write(0, read, Pattern(1)));
        Assert.Equal(-Errno.EBADF, machine.Read(0, write, 1, out _));
        Assert.Equal(-Errno.ESPIPE, machine.Call(0, Sys.pread64, (ulong)read, ChannelMachine.User(0), 1, 0));
        Assert.Equal(-Errno.ESPIPE, machine.Call(0, Sys.lseek, (ulong)read, 0, 0));
        Assert.Equal(-Errno.EINVAL, machine.Call(0, Sys.splice, (ulong)read, 0, 1, 0, 100, 0));
    }

    [Theory]
    [InlineData(70_000)]
    [InlineData(11)]
    [InlineData(9)]
    public void A_count_that_cannot_be_ends_the_channel(long forged)
    {
        ChannelMachine machine = ChannelMachine.Start();
        (int read, int write) = machine.MakePipe();
        Assert.Equal(8, machine.Write(0, write, Pattern(8)));
        machine.Twist = (number, _, result) => number == Sys.read ? forged : result;
        Assert.Equal(-Errno.EIO, machine.Read(0, read, 10, out _));
        machine.Twist = null;
        Assert.Equal(-Errno.EIO, machine.Read(0, read, 10, out _));
        Assert.Equal(-Errno.EIO, machine.Write(0, write, Pattern(1)));
        Assert.Equal(1ul, Descriptors.Lies);
    }

    [Fact]
    public void An_end_before_the_last_byte_is_a_lie()
    {
        ChannelMachine machine = ChannelMachine.Start();
        (int read, int write) = machine.MakePipe();
        Assert.Equal(8, machine.Write(0, write, Pattern(8)));
        machine.Twist = (number, _, result) => number == Sys.read ? 0 : result;
        Assert.Equal(-Errno.EIO, machine.Read(0, read, 10, out _));
    }

    [Fact]
    public void A_write_that_took_more_than_there_was_is_a_lie()
    {
        ChannelMachine machine = ChannelMachine.Start();
        (_, int write) = machine.MakePipe();
        machine.Twist = (number, _, result) => number == Sys.write ? 9 : result;
        Assert.Equal(-Errno.EIO, machine.Write(0, write, Pattern(8)));
    }

    [Fact]
    public void Negative_nonsense_is_eio_and_invents_nothing()
    {
        ChannelMachine machine = ChannelMachine.Start();
        (int read, int write) = machine.MakePipe(0, NonBlock);
        Assert.Equal(8, machine.Write(0, write, Pattern(8)));
        machine.Twist = (number, _, result) => number == Sys.read ? -70_000 : result;
        Assert.Equal(-Errno.EIO, machine.Read(0, read, 10, out _));
        machine.Twist = null;
        Assert.Equal(-Errno.EAGAIN, machine.Read(0, read, 10, out _));
    }

    [Fact]
    public void A_message_that_the_os_drops_or_swaps_is_noticed()
    {
        ChannelMachine machine = ChannelMachine.Start();
        (int one, int other) = machine.MakePair(Datagram);
        Assert.Equal(20, machine.Write(0, one, Pattern(20)));
        Assert.Equal(20, machine.Write(0, one, Pattern(20, 50)));
        machine.Linux(other).Incoming!.Queue.RemoveAt(0);
        Assert.Equal(-Errno.EIO, machine.Read(0, other, 100, out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_writer_killed_on_its_way_leaves_a_whole_pipe(bool served)
    {
        ChannelMachine machine = ChannelMachine.Start(2);
        (int read, int write) = machine.MakePipe(0, NonBlock);
        Assert.Equal(5, machine.Write(0, write, Pattern(5)));
        machine.Kill = (Sys.write, served);
        Assert.Equal(-Errno.Dying, machine.Write(1, write, Pattern(7, 100)));
        Assert.Equal(3, machine.Write(0, write, Pattern(3, 200)));
        byte[] expected = [.. Pattern(5), .. served ? Pattern(7, 100) : [], .. Pattern(3, 200)];
        Assert.Equal(expected.Length, machine.Read(0, read, 100, out byte[] got));
        Assert.Equal(expected, got);
        Assert.Equal(-Errno.EAGAIN, machine.Read(0, read, 100, out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reader_killed_on_its_way_takes_what_linux_gave_it(bool served)
    {
        ChannelMachine machine = ChannelMachine.Start(2);
        (int read, int write) = machine.MakePipe(0, NonBlock);
        Assert.Equal(50, machine.Write(0, write, Pattern(50)));
        machine.Kill = (Sys.read, served);
        Assert.Equal(-Errno.Dying, machine.Read(1, read, 20, out _));
        byte[] expected = served ? Pattern(50)[20..] : Pattern(50);
        Assert.Equal(expected.Length, machine.Read(0, read, 100, out byte[] got));
        Assert.Equal(expected, got);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_sender_killed_on_its_way_leaves_whole_messages(bool served)
    {
        ChannelMachine machine = ChannelMachine.Start(2);
        (int one, int other) = machine.MakePair(Packet | NonBlock);
        machine.Kill = (Sys.sendmsg, served);
        Assert.Equal(-Errno.Dying, machine.Write(1, one, Pattern(20, 100)));
        Assert.Equal(20, machine.Write(0, one, Pattern(20)));
        if (served)
        {
            Assert.Equal(20, machine.Read(0, other, 100, out byte[] killed));
            Assert.Equal(Pattern(20, 100), killed);
        }

        Assert.Equal(20, machine.Read(0, other, 100, out byte[] got));
        Assert.Equal(Pattern(20), got);
    }

    [Fact]
    public void Open_files_travel_in_a_socketpair_and_stay_what_they_are()
    {
        ChannelMachine machine = ChannelMachine.Start();
        (int one, int other) = machine.MakePair(Stream);
        (int read, int write) = machine.MakePipe();
        Assert.Equal(4, machine.Write(0, write, Pattern(4)));
        ulong at = ChannelMachine.User(0);
        PutWords(machine, at + 0x100, at + 0x800, 3);
        PutWords(machine, at + 0x200, 20, 1 | (1ul << 32), (uint)read);
        PutWords(machine, at, Words(0, 0, at + 0x100, 1, at + 0x200, 20, 0));
        Assert.Equal(3, machine.Call(0, Sys.sendmsg, (ulong)one, at, 0));
        Assert.Equal(0, machine.Call(0, Sys.close, (ulong)read));
        PutWords(machine, at + 0x100, at + 0x800, 100);
        PutWords(machine, at, Words(0, 0, at + 0x100, 1, at + 0x300, 64, 0));
        Assert.Equal(3, machine.Call(0, Sys.recvmsg, (ulong)other, at, 0));
        Assert.Equal(20ul, Get<ulong>(machine, at + 40));
        int arrived = Get<int>(machine, at + 0x310);
        Assert.Equal(4, machine.Read(0, arrived, 10, out byte[] got));
        Assert.Equal(Pattern(4), got);
    }

    [Fact]
    public void Nothing_is_left_when_all_ends_are_closed()
    {
        ChannelMachine machine = ChannelMachine.Start();
        (int warmRead, int warmWrite) = machine.MakePipe();
        Assert.Equal(3, machine.Write(0, warmWrite, Pattern(3)));
        Assert.Equal(0, machine.Call(0, Sys.close, (ulong)warmRead));
        Assert.Equal(0, machine.Call(0, Sys.close, (ulong)warmWrite));
        for (int i = 0; i < 20; i++)
        {
            (int one, int other) = i % 2 == 0 ? machine.MakePair(i % 4 == 0 ? Stream : Packet) : machine.MakePipe();
            Assert.Equal(5000, machine.Write(0, i % 2 == 0 ? one : other, Pattern(5000)));
            Assert.Equal(0, machine.Call(0, Sys.close, (ulong)one));
            Assert.Equal(0, machine.Call(0, Sys.close, (ulong)other));
        }

        Assert.Equal(0, Pool<Channel>.Count);
        Assert.Equal(0, Pool<QueueBlock>.Count);
        Assert.Equal(0, Pool<Message>.Count);
        Assert.Equal(3, Pool<OpenFile>.Count);
    }
}
