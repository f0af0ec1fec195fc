using System;
using System.Buffers.Binary;
using System.Linq;
using Xunit;

namespace BlackBox.Shield.Tests;

public class TransferTests
{
    private const ulong At = CallMachine.UserBase;
    private const ulong Unmapped = CallMachine.UserBase + CallMachine.UserBytes;

    private static byte[] Pattern(int length) => Enumerable.Range(0, length).Select(i => (byte)(i * 7)).ToArray();

    [Fact]
    public void A_long_read_of_a_file_is_one_read()
    {
        CallMachine machine = CallMachine.Start();
        byte[] file = Pattern(1_000_001);
        int position = 0;
        machine.Answers[Sys.read] = a =>
        {
            int step = Math.Min((int)a[2], file.Length - position);
            file.AsSpan(position, step).CopyTo(CallMachine.Os(a[1], step));
            position += step;
            return step;
        };
        machine.Answers[Sys.ppoll] = _ => 1;
        Assert.Equal(file.Length, machine.Call(Sys.read, 3, At + 3, 2_000_000));
        Assert.Equal(file, machine.ReadUser(At + 3, file.Length));
    }

    [Fact]
    public void What_a_pipe_had_is_not_kept_back()
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.read] = a => (long)a[2];
        machine.Answers[Sys.ppoll] = _ => 0;
        long result = machine.Call(Sys.read, 3, At, 2_000_000);
        Assert.Equal((long)machine.Last(Sys.read).Arguments[2], result);
    }

    [Fact]
    public void Writes_go_out_in_order_and_stop_where_linux_stops()
    {
        CallMachine machine = CallMachine.Start();
        byte[] data = Pattern(600_000);
        machine.WriteUser(At, data);
        byte[] sink = [];
        machine.Answers[Sys.pwrite64] = a =>
        {
            Assert.Equal((ulong)sink.Length + 100, a[3]);
            int step = Math.Min((int)a[2], 500_000 - sink.Length);
            sink = [.. sink, .. CallMachine.Os(a[1], step)];
            return step;
        };
        Assert.Equal(500_000, machine.Call(Sys.pwrite64, 3, At, 600_000, 100));
        Assert.Equal(data[..500_000], sink);
    }

    [Fact]
    public void A_fault_in_the_middle_is_a_partial_write()
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.write] = a => (long)a[2];
        Assert.Equal(100, machine.Call(Sys.write, 1, Unmapped - 100, 300));
        Assert.Equal(-Errno.EFAULT, machine.Call(Sys.write, 1, Unmapped, 300));
    }

    [Fact]
    public void More_than_asked_is_refused()
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.read] = a => (long)a[2] + 1;
        Assert.Equal(-Errno.EIO, machine.Call(Sys.read, 3, At, 100));
    }

    [Fact]
    public void A_vector_is_one_message()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, "hello "u8);
        machine.WriteUser(At + 100, "world"u8);
        machine.WriteUser(At + 4096, At, 6, 0, 0, At + 100, 5);
        byte[] sent = [];
        machine.Answers[Sys.writev] = a =>
        {
            Assert.Equal(1UL, a[2]);
            Span<byte> entry = CallMachine.Os(a[1], 16);
            sent = CallMachine.Os(BinaryPrimitives.ReadUInt64LittleEndian(entry), (int)entry[8]).ToArray();
            return sent.Length;
        };
        Assert.Equal(11, machine.Call(Sys.writev, 1, At + 4096, 3));
        Assert.Equal("hello world"u8.ToArray(), sent);
        Assert.Equal(-Errno.EINVAL, machine.Call(Sys.writev, 1, At + 4096, 1025));
        machine.WriteUser(At + 4096, At, ulong.MaxValue);
        Assert.Equal(-Errno.EINVAL, machine.Call(Sys.writev, 1, At + 4096, 1));
    }

    [Fact]
    public void Vectors_give_their_frames_back()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, 0, 0);
        machine.Answers[Sys.readv] = _ => 0;
        _ = machine.Call(Sys.readv, 1, At, 1);
        int free = Frames.FreeCount;
        _ = machine.Call(Sys.readv, 1, At, 1);
        _ = machine.Call(Sys.readv, 1, 8, 1);
        _ = machine.Call(Sys.readv, 1, At, 1000);
        Assert.Equal(free, Frames.FreeCount);
    }

    [Fact]
    public void Poll_writes_events_and_nothing_else()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, 0x0000_0001_0000_0005UL, 0x0000_0001_0000_0006UL);
        machine.Answers[Sys.ppoll] = a =>
        {
            CallMachine.Os(a[0], 16).Fill(0xEE);
            return 2;
        };
        Assert.Equal(2, machine.Call(Sys.ppoll, At, 2, 0, 0, 8));
        Assert.Equal(0xEEEE_0001_0000_0005UL, machine.ReadUser<ulong>(At));
        Assert.Equal(0xEEEE_0001_0000_0006UL, machine.ReadUser<ulong>(At + 8));
        machine.Answers[Sys.ppoll] = _ => 3;
        Assert.Equal(-Errno.EIO, machine.Call(Sys.ppoll, At, 2, 0, 0, 8));
    }

    [Fact]
    public void Select_names_no_descriptor_that_was_not_asked_for()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, 0b1010UL);
        machine.Answers[Sys.pselect6] = a =>
        {
            CallMachine.Os(a[1], 8).Fill(0xFF);
            return 2;
        };
        Assert.Equal(2, machine.Call(Sys.pselect6, 5, At, 0, 0, 0, 0));
        Assert.Equal(0b1010UL, machine.ReadUser<ulong>(At));
    }

    [Fact]
    public void Received_messages_are_scattered_and_their_lengths_checked()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At + 512, At + 1024, 3, At + 2048, 10);
        machine.WriteUser(At, 0, 0, At + 512, 2, At + 3072, 64, 0);
        ulong control = 16;
        machine.Answers[Sys.recvmsg] = a =>
        {
            Span<byte> header = CallMachine.Os(a[1], MessageHeader.Size);
            Span<byte> entry = CallMachine.Os(BinaryPrimitives.ReadUInt64LittleEndian(header[16..]), 16);
            "abcdef"u8.CopyTo(CallMachine.Os(BinaryPrimitives.ReadUInt64LittleEndian(entry), 6));
            BinaryPrimitives.WriteUInt64LittleEndian(header[40..], control);
            return 6;
        };
        Assert.Equal(6, machine.Call(Sys.recvmsg, 3, At, 0));
        Assert.Equal("abc"u8.ToArray(), machine.ReadUser(At + 1024, 3));
        Assert.Equal("def"u8.ToArray(), machine.ReadUser(At + 2048, 3));
        Assert.Equal(16UL, machine.ReadUser<ulong>(At + 40));
        control = 65;
        Assert.Equal(-Errno.EIO, machine.Call(Sys.recvmsg, 3, At, 0));
    }

    [Fact]
    public void A_peer_address_is_cut_to_the_room()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, 4);
        machine.WriteUser(At + 64, ulong.MaxValue);
        machine.Answers[Sys.accept4] = a =>
        {
            CallMachine.Os(a[1], 16).Fill(0x42);
            BinaryPrimitives.WriteInt32LittleEndian(CallMachine.Os(a[2], 4), 16);
            return CallMachine.OpenDescriptors;
        };
        Assert.Equal(CallMachine.OpenDescriptors, machine.Call(Sys.accept4, 3, At + 64, At, 0));
        Assert.Equal(0xFFFF_FFFF_4242_4242UL, machine.ReadUser<ulong>(At + 64));
        Assert.Equal(16, machine.ReadUser<int>(At));
    }
}
