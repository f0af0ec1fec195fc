using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>What the simulated Linux makes of each call.</summary>
internal sealed partial class ChannelMachine
{
    private static Span<byte> Os(ulong address, int length)
    {
        int index = (int)((address - OsBase) / OsStep);
        ulong offset = (address - OsBase) % OsStep;
        Assert.True(offset + (ulong)length <= BufferBytes);
        return Hardware.Memory(BufferLayout.LentBit + (ulong)(index * BufferBytes) + offset, length);
    }

    private long Serve(Sys number, ulong[] a, int me)
    {
        switch (number)
        {
            case Sys.pipe2:
                ModelChannel pipe = new(ModelChannel.Pipe);
                return Pair(a[0], new ModelFile(pipe, null), new ModelFile(null, pipe), (uint)a[1]);
            case Sys.socketpair:
                int kind = (a[1] & 15) == 1 ? ModelChannel.Stream : ModelChannel.Messages;
                ModelChannel one = new(kind);
                ModelChannel other = new(kind);
                return Pair(a[3], new ModelFile(one, other), new ModelFile(other, one), (uint)a[1]);
            case Sys.close:
                return Close((int)a[0]);
            case Sys.dup:
                return table.TryGetValue((int)a[0], out ModelFile? copied) ? Install(copied) : -Errno.EBADF;
            case Sys.dup3:
                if (!table.TryGetValue((int)a[0], out ModelFile? over))
                {
                    return -Errno.EBADF;
                }

                over.References++;
                _ = Close((int)a[1]);
                table[(int)a[1]] = over;
                return (long)a[1];
            case Sys.read or Sys.recvfrom:
                return ReadStream((int)a[0], (int)a[2], number == Sys.recvfrom && (a[3] & 2) != 0, out _);
            case Sys.write or Sys.sendto:
                Assert.False(Os(a[1], (int)a[2]).ContainsAnyExcept((byte)0), "data went out");
                return WriteStream((int)a[0], (int)a[2], null);
            case Sys.sendmsg:
                return SendMessage((int)a[0], a[1]);
            case Sys.recvmsg:
                return ReceiveMessage((int)a[0], a[1], a[2]);
            case Sys.ioctl when a[1] == 0x541B:
                ModelFile file = table[(int)a[0]];
                BinaryPrimitives.WriteInt32LittleEndian(Os(a[2], 4), (file.Incoming ?? file.Outgoing)!.Bytes);
                return 0;
            case Sys.fcntl:
                return table.ContainsKey((int)a[0]) ? 0 : -Errno.EBADF;
            case Sys.ppoll:
                return Poll(a[0], a[2], me);
            case Sys.sched_yield or Sys.nanosleep:
                return 0;
            default:
                return -Errno.ENOSYS;
        }
    }

    private int Install(ModelFile file)
    {
        int number = 0;
        while (table.ContainsKey(number))
        {
            number++;
        }

        file.References++;
        table[number] = file;
        return ForgedNumbers.TryDequeue(out int forged) ? forged : number;
    }

    private long Pair(ulong address, ModelFile first, ModelFile second, uint flags)
    {
        Assert.NotEqual(0u, flags & 0x800);
        foreach (ModelFile file in (ModelFile[])[first, second])
        {
            _ = file.Incoming is { } incoming ? ++incoming.Readers : 0;
            _ = file.Outgoing is { } outgoing ? ++outgoing.Writers : 0;
        }

        BinaryPrimitives.WriteInt32LittleEndian(Os(address, 4), Install(first));
        BinaryPrimitives.WriteInt32LittleEndian(Os(address + 4, 4), Install(second));
        return 0;
    }

    private long Close(int number)
    {
        if (!table.Remove(number, out ModelFile? file))
        {
            return -Errno.EBADF;
        }

        Drop(file);
        return 0;
    }

    private static void Drop(ModelFile file)
    {
        if (--file.References == 0)
        {
            _ = file.Incoming is { } incoming ? --incoming.Readers : 0;
            _ = file.Outgoing is { } outgoing ? --outgoing.Writers : 0;
        }
    }

    private long WriteStream(int descriptor, int bytes, ModelFile[]? files)
    {
        if (!table.TryGetValue(descriptor, out ModelFile? file) || file.Outgoing is null)
        {
            return -Errno.EBADF;
        }

        ModelChannel channel = file.Outgoing;
        if (channel.Readers == 0)
        {
            return -Errno.EPIPE;
        }

        int room = channel.Capacity - channel.Bytes;
        if (room == 0 || (channel.Kind == ModelChannel.Pipe && bytes <= 4096 && bytes > room))
        {
            return -Errno.EAGAIN;
        }

        if (files is not null)
        {
            channel.Marks.Add((channel.Bytes, files));
        }

        int taken = Math.Min(room, bytes);
        channel.Bytes += taken;
        return taken;
    }

    private long ReadStream(int descriptor, int most, bool peek, out ModelFile[]? files)
    {
        files = null;
        if (!table.TryGetValue(descriptor, out ModelFile? file) || file.Incoming is null)
        {
            return -Errno.EBADF;
        }

        ModelChannel channel = file.Incoming;
        if (channel.Bytes == 0)
        {
            return channel.Writers == 0 ? 0 : -Errno.EAGAIN;
        }

        int taken = Math.Min(most, channel.Bytes);
        if (channel.Marks.Count > 1 && channel.Marks[1].At < taken)
        {
            taken = channel.Marks[1].At;
        }

        if (channel.Marks.Count > 0 && channel.Marks[0].At < taken)
        {
            files = channel.Marks[0].Files;
        }

        if (!peek)
        {
            channel.Bytes -= taken;
            channel.Marks.RemoveAll(mark => mark.At < taken);
            for (int i = 0; i < channel.Marks.Count; i++)
            {
                channel.Marks[i] = (channel.Marks[i].At - taken, channel.Marks[i].Files);
            }
        }

        return taken;
    }

    private long SendMessage(int descriptor, ulong address)
    {
        MessageHeader header = MemoryMarshal.Read<MessageHeader>(Os(address, MessageHeader.Size));
        List<byte> token = [];
        for (ulong i = 0; i < header.VectorLength; i++)
        {
            Span<ulong> entry = MemoryMarshal.Cast<byte, ulong>(Os(header.Vector + (16 * i), 16));
            token.AddRange(Os(entry[0], (int)entry[1]));
        }

        Assert.DoesNotContain(token.Skip(8), value => value != 0);
        ModelFile[]? files = null;
        if (header.ControlLength >= 16)
        {
            Span<byte> control = Os(header.Control, (int)header.ControlLength);
            int count = (int)(BinaryPrimitives.ReadUInt64LittleEndian(control) - 16) / 4;
            files = [.. Enumerable.Range(0, count).Select(i => table[BinaryPrimitives.ReadInt32LittleEndian(Os(header.Control + 16 + (ulong)(4 * i), 4))])];
            foreach (ModelFile passed in files)
            {
                passed.References++;
            }
        }

        if (!table.TryGetValue(descriptor, out ModelFile? file) || file.Outgoing is null)
        {
            return -Errno.EBADF;
        }

        ModelChannel channel = file.Outgoing;
        if (channel.Kind != ModelChannel.Messages)
        {
            return WriteStream(descriptor, token.Count, files);
        }

        if (channel.Readers == 0)
        {
            return -Errno.EPIPE;
        }

        if (channel.Queue.Count >= 10)
        {
            return -Errno.EAGAIN;
        }

        channel.Queue.Add(([.. token], files ?? []));
        return token.Count;
    }

    private long ReceiveMessage(int descriptor, ulong address, ulong flags)
    {
        MessageHeader header = MemoryMarshal.Read<MessageHeader>(Os(address, MessageHeader.Size));
        Span<ulong> entry = MemoryMarshal.Cast<byte, ulong>(Os(header.Vector, 16));
        if (!table.TryGetValue(descriptor, out ModelFile? file) || file.Incoming is null)
        {
            return -Errno.EBADF;
        }

        ModelChannel channel = file.Incoming;
        ModelFile[]? files;
        long result;
        if (channel.Kind != ModelChannel.Messages)
        {
            result = ReadStream(descriptor, (int)entry[1], (flags & 2) != 0, out files);
        }
        else if (channel.Queue.Count == 0)
        {
            return channel.Writers == 0 ? 0 : -Errno.EAGAIN;
        }
        else
        {
            (byte[] token, files) = channel.Queue[0];
            token.AsSpan(0, Math.Min(token.Length, (int)entry[1])).CopyTo(Os(entry[0], (int)entry[1]));
            result = token.Length;
            if ((flags & 2) == 0)
            {
                channel.Queue.RemoveAt(0);
            }
        }

        ulong written = 0;
        if (result > 0 && files is { Length: > 0 } && header.ControlLength >= (ulong)(16 + (4 * files.Length)))
        {
            written = (ulong)(16 + (4 * files.Length));
            BinaryPrimitives.WriteUInt64LittleEndian(Os(header.Control, 8), written);
            BinaryPrimitives.WriteInt32LittleEndian(Os(header.Control + 8, 4), 1);
            BinaryPrimitives.WriteInt32LittleEndian(Os(header.Control + 12, 4), 1);
            for (int i = 0; i < files.Length; i++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(Os(header.Control + 16 + (ulong)(4 * i), 4), Install(files[i]));
            }
        }

        header.ControlLength = written;
        MemoryMarshal.Write(Os(address, MessageHeader.Size), in header);
        return result;
    }

    private long Poll(ulong address, ulong time, int me)
    {
        while (true)
        {
            int descriptor = BinaryPrimitives.ReadInt32LittleEndian(Os(address, 4));
            short events = BinaryPrimitives.ReadInt16LittleEndian(Os(address + 4, 2));
            short ready = Ready(descriptor, events);
            BinaryPrimitives.WriteInt16LittleEndian(Os(address + 6, 2), ready);
            if (ready != 0 || time != 0)
            {
                return ready != 0 ? 1 : 0;
            }

            Assert.True(scheduling && running.Count > 1, "blocked for ever");
            Yield(me);
        }
    }

    private short Ready(int descriptor, short events)
    {
        if (!table.TryGetValue(descriptor, out ModelFile? file))
        {
            return 0x20;
        }

        short ready = 0;
        if ((events & 1) != 0 && file.Incoming is { } incoming)
        {
            bool any = incoming.Kind == ModelChannel.Messages ? incoming.Queue.Count > 0 : incoming.Bytes > 0;
            ready |= (short)(any ? 1 : incoming.Writers == 0 ? 0x10 : 0);
        }

        if ((events & 4) != 0 && file.Outgoing is { } outgoing)
        {
            bool room = outgoing.Kind == ModelChannel.Messages ? outgoing.Queue.Count < 10
                : outgoing.Capacity - outgoing.Bytes >= (outgoing.Kind == ModelChannel.Pipe ? 4096 : 1);
            ready |= (short)(outgoing.Readers == 0 ? 8 : room ? 4 : 0);
        }

        return ready;
    }
}
