using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

public class FramesTests
{
    [Fact]
    public void Blocks_never_overlap_are_zeroed_and_come_together_again()
    {
        Gen.Int[0, 9].Array[1, 200].Sample(orders =>
        {
            CallMachine.Start(userMemory: false);
            int before = Frames.FreeCount;
            HashSet<ulong> used = [];
            List<(FrameAddress Frame, int Order)> blocks = [];
            foreach (int order in orders)
            {
                if (!Frames.TryAllocateContiguous(order, out FrameAddress frame))
                {
                    continue;
                }

                Assert.Equal(0UL, frame.Value & ((4096UL << order) - 1));
                for (int i = 0; i < 1 << order; i++)
                {
                    Assert.True(used.Add(frame.Plus(i).Value));
                    Assert.False(Frames.Bytes(frame.Plus(i)).ContainsAnyExcept((byte)0));
                    Frames.Bytes(frame.Plus(i)).Fill(0x5A);
                }

                blocks.Add((frame, order));
            }

            Assert.Equal(before - used.Count, Frames.FreeCount);
            foreach ((FrameAddress frame, int order) in blocks)
            {
                Frames.Free(frame, order);
            }

            Assert.Equal(before, Frames.FreeCount);
            Assert.True(Frames.TryAllocateContiguous(9, out _));
        }, iter: 30, threads: 1);
    }

    [Fact]
    public void Single_frames_of_a_block_can_be_freed()
    {
        CallMachine.Start(userMemory: false);
        int before = Frames.FreeCount;
        Assert.True(Frames.TryAllocateContiguous(4, out FrameAddress frame));
        for (int i = 15; i >= 0; i--)
        {
            Frames.Free(frame.Plus(i));
        }

        Assert.Equal(before, Frames.FreeCount);
    }

    [Fact]
    public void Freeing_twice_stops_the_enclave()
    {
        CallMachine.Start(userMemory: false);
        Assert.True(Frames.TryAllocate(out FrameAddress frame));
        Frames.Free(frame);
        Assert.Equal(PanicReason.Invariant, Assert.Throws<ShieldStoppedException>(() => Frames.Free(frame)).Reason);
    }

    [Theory]
    [InlineData(0x80_0001UL, 8)]
    [InlineData(0x80_0000UL, 0)]
    [InlineData(0x80_0000UL, 513)]
    [InlineData(0x80_1000UL, 512)]
    [InlineData(BufferLayout.LentBit, 8)]
    [InlineData(0UL, 8)]
    public void Malformed_ranges_are_refused(ulong address, int count)
    {
        CallMachine.Start(userMemory: false);
        Assert.False(Frames.TryAdd(new FrameAddress(address), count));
    }

    [Fact]
    public void Memory_runs_out_in_order_and_grants_are_taken_by_the_piece()
    {
        CallMachine machine = CallMachine.Start(userMemory: false);
        while (Frames.TryAllocate(out _))
        {
        }

        const ulong Fresh = CallMachine.FirstChunk + (10UL << 21);
        machine.Serve = service =>
        {
            Assert.Equal(Service.Grant, service);
            Put(0, Fresh + 0x3000, 1024);
            return 1024;
        };
        Assert.True(Frames.Reserve(ref machine.Thread, 100));
        Assert.Equal([(Fresh + 0x3000, 509UL), (Fresh + (1 << 21), 512UL), (Fresh + (2 << 21), 3UL)], machine.Accepted);
        Assert.True(Frames.TryAllocate(out FrameAddress frame));
        Assert.True(frame.Value >= Fresh);
    }

    [Fact]
    public void Lies_about_grants_change_nothing()
    {
        CallMachine machine = CallMachine.Start(userMemory: false);
        while (Frames.TryAllocate(out _))
        {
        }

        machine.Accept = (_, _) => Status.Denied;
        machine.Serve = _ =>
        {
            Put(0, 0x1234, 8);
            Put(1, BufferLayout.LentBit | 0x1000, 8);
            Put(2, CallMachine.FirstChunk, 512);
            Put(3, ulong.MaxValue & ~0xFFFUL, ulong.MaxValue);
            Header()[BufferLayout.RangeCount / 8] = ulong.MaxValue;
            return 4096;
        };
        Assert.False(Frames.Reserve(ref machine.Thread, 10));
        Assert.Empty(machine.Accepted);
        Assert.Equal(0, Frames.FreeCount);
    }

    [Fact]
    public void Whole_free_chunks_go_back()
    {
        CallMachine machine = CallMachine.Start(userMemory: false);
        for (int i = 8; i < 24; i++)
        {
            Assert.True(Frames.TryAdd(new FrameAddress(CallMachine.FirstChunk + ((ulong)i << 21)), 512));
        }

        int owned = Frames.OwnedCount;
        machine.Serve = service => service == Service.Reclaim ? 0 : -Errno.ENOSYS;
        Frames.TrimNow(ref machine.Thread);
        Assert.NotEmpty(machine.Released);
        Assert.All(machine.Released, range => Assert.Equal(512UL, range.Frames));
        Assert.Equal(owned - (512 * machine.Released.Count), Frames.OwnedCount);
        Assert.True(Frames.FreeCount >= 2048);
    }

    [Fact]
    public void Frames_that_are_freed_and_taken_by_turns_stay_and_go_back_once_nobody_wants_them()
    {
        CallMachine machine = CallMachine.Start(userMemory: false);
        machine.Time = 1_000_000_000;
        machine.Serve = service => service == Service.Reclaim ? 0 : -Errno.ENOSYS;
        for (int i = 8; i < 24; i++)
        {
            Assert.True(Frames.TryAdd(new FrameAddress(CallMachine.FirstChunk + ((ulong)i << 21)), 512));
        }

        int owned = Frames.OwnedCount;
        List<FrameAddress> pages = [];
        for (int turn = 0; turn < 20; turn++)
        {
            while (Frames.TryAllocate(out FrameAddress page))
            {
                pages.Add(page);
            }

            pages.ForEach(Frames.Free);
            pages.Clear();
            machine.Time += 100_000_000;
            Frames.Trim(ref machine.Thread);
        }

        Assert.Empty(machine.Released);
        machine.Time += 250_000_000;
        Frames.Trim(ref machine.Thread);    // taken since the last look: the next period decides
        machine.Time += 249_000_000;
        Frames.Trim(ref machine.Thread);
        Assert.Empty(machine.Released);
        machine.Time += 1_000_000;
        Frames.Trim(ref machine.Thread);
        Assert.NotEmpty(machine.Released);
        Assert.Equal(owned - (512 * machine.Released.Count), Frames.OwnedCount);
        Assert.InRange(Frames.FreeCount, 4 * 512, 6 * 512);
    }

    /// <param name="left">Frames that are free when the next chunk is asked for: a page fault asks when there are none.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64)]
    public void What_a_process_has_used_and_freed_goes_back_though_it_came_by_and_by(int left)
    {
        const int Chunks = 16;
        CallMachine machine = CallMachine.Start(userMemory: false);
        int owned = Frames.OwnedCount;
        List<FrameAddress> pages = [];
        for (int i = 8; i < 8 + Chunks; i++)
        {
            while (Frames.FreeCount > left && Frames.TryAllocate(out FrameAddress page))
            {
                pages.Add(page);
            }

            Assert.True(Frames.TryAdd(new FrameAddress(CallMachine.FirstChunk + ((ulong)i << 21)), 512));
        }

        pages.ForEach(Frames.Free);
        machine.Serve = service => service == Service.Reclaim ? 0 : -Errno.ENOSYS;
        Frames.TrimNow(ref machine.Thread);

        // 8 MiB stay in any case, up to a chunk more by the step, and one chunk has the notes.
        Assert.True(Frames.OwnedCount - owned <= 6 * 512, $"{Frames.OwnedCount - owned} frames kept");
        Assert.InRange(Frames.FreeCount, 4 * 512, 7 * 512);
        Assert.Equal(machine.Released.Count, machine.Released.Distinct().Count());

        // What went back comes again.
        foreach ((ulong address, ulong frames) in machine.Released.ToList())
        {
            Assert.True(Frames.TryAdd(new FrameAddress(address), (int)frames));
        }

        Assert.Equal(owned + (Chunks * 512), Frames.OwnedCount);
    }

    private static Span<ulong> Header() => MemoryMarshal.Cast<byte, ulong>(Hardware.Memory(BufferLayout.LentBit, BufferLayout.HeaderSize));

    private static void Put(int index, ulong address, ulong frames)
    {
        Span<ulong> header = Header();
        header[(BufferLayout.Ranges / 8) + (2 * index)] = address;
        header[(BufferLayout.Ranges / 8) + (2 * index) + 1] = frames;
        header[BufferLayout.RangeCount / 8] = (ulong)index + 1;
    }
}
