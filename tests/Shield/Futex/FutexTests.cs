using System;
using System.Linq;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>futex(2) under every interleaving that chance finds, with an honest and a hostile Linux.</summary>
public class FutexTests
{
    private const ulong A = FutexMachine.Data + 0x100;
    private const ulong B = FutexMachine.Data + 0x2040;
    private const ulong Time = FutexMachine.Data + 0x3000;
    private const uint Wait = 0;
    private const uint Wake = 1;
    private const uint Requeue = 3;
    private const uint CompareRequeue = 4;
    private const uint WakeOperation = 5;
    private const uint WaitBitset = 9;
    private const uint WakeBitset = 10;
    private const uint Private = 128;
    private const uint Realtime = 256;

    private static readonly Gen<(int Seed, bool Hostile)> Worlds = Gen.Select(Gen.Int, Gen.Bool);

    private static ref uint Word(ulong address) => ref FutexMachine.Word(address);

    /// <summary>Drepper's second mutex over the word at A: 0 free, 1 held, 2 held with waiters.</summary>
    private static void Lock(FutexMachine machine, int actor, ulong at)
    {
        machine.Pause();
        if (Word(at) == 0)
        {
            Word(at) = 1;
            return;
        }

        while (true)
        {
            uint old = Word(at);
            Word(at) = 2;
            if (old == 0)
            {
                return;
            }

            machine.Pause();
            _ = machine.Futex(actor, at, Wait | Private, 2);
        }
    }

    private static void Unlock(FutexMachine machine, int actor, ulong at)
    {
        machine.Pause();
        uint old = Word(at);
        Word(at) = 0;
        if (old == 2)
        {
            machine.Pause();
            _ = machine.Futex(actor, at, Wake | Private, 1);
        }
    }

    [Fact]
    public void A_mutex_excludes_and_nobody_sleeps_for_ever() =>
        Worlds.Sample(
            world =>
            {
                using FutexMachine machine = new(new Random(world.Seed), 4, world.Hostile);
                int inside = 0;
                int rounds = 0;
                machine.Run([.. Enumerable.Repeat<Action<FutexMachine, int>>(
                    (m, actor) =>
                    {
                        for (int i = 0; i < 6; i++)
                        {
                            Lock(m, actor, A);
                            Assert.Equal(1, ++inside);
                            m.Pause();
                            inside--;
                            rounds++;
                            Unlock(m, actor, A);
                        }
                    },
                    4)]);
                Assert.Equal(24, rounds);
                Assert.Equal(0, FutexQueues.Count);
            },
            iter: 60, threads: 1);

    [Fact]
    public void Requeue_moves_waiters_and_every_one_is_woken_by_the_second_word() =>
        Worlds.Sample(
            world =>
            {
                using FutexMachine machine = new(new Random(world.Seed), 4, world.Hostile);
                int woken = 0;
                void Waiter(FutexMachine m, int actor)
                {
                    Assert.Equal(0, m.Futex(actor, A, Wait | Private, 0));
                    woken++;
                }

                machine.Run(
                    (m, actor) =>
                    {
                        while (FutexQueues.Count < 3)
                        {
                            m.Pause();
                        }

                        Assert.Equal(-Errno.EAGAIN, m.Futex(actor, A, CompareRequeue | Private, 1, 100, B, 5));
                        Assert.Equal(3, m.Futex(actor, A, CompareRequeue | Private, 1, 100, B, 0));
                        Assert.Equal(0, m.Futex(actor, A, Wake | Private, 10));
                        Assert.Equal(2, FutexQueues.Count);
                        Assert.Equal(1, m.Futex(actor, B, Wake | Private, 1));
                        Assert.Equal(1, m.Futex(actor, B, Requeue | Private, 0, 1, A));
                        Assert.Equal(0, m.Futex(actor, B, Wake | Private, 1));
                        Assert.Equal(1, m.Futex(actor, A, Wake, 1));
                    },
                    Waiter,
                    Waiter,
                    Waiter);
                Assert.Equal(3, woken);
            },
            iter: 60, threads: 1);

    [Fact]
    public void A_wake_up_is_the_shields_word_alone() =>
        Gen.Int.Sample(
            seed =>
            {
                using FutexMachine machine = new(new Random(seed), 2, hostile: true);
                bool isWoken = false;
                machine.Run(
                    (m, actor) =>
                    {
                        Assert.Equal(0, m.Futex(actor, A, Wait, 0));
                        Assert.True(isWoken);
                    },
                    (m, actor) =>
                    {
                        for (int i = 0; i < 20; i++)
                        {
                            m.Pause();
                        }

                        while (FutexQueues.Count == 0)
                        {
                            m.Pause();
                        }

                        isWoken = true;
                        Assert.Equal(1, m.Futex(actor, A, Wake, 1));
                    });
            },
            iter: 60, threads: 1);

    [Theory]
    [InlineData(Wait, false)]
    [InlineData(Wait, true)]
    [InlineData(WaitBitset, false)]
    [InlineData(WaitBitset, true)]
    public void Timeouts_are_neither_early_nor_for_ever(uint command, bool hostile) =>
        Gen.Select(Gen.Int, Gen.Long[0, 3_000_000_000]).Sample(
            (seed, length) =>
            {
                using FutexMachine machine = new(new Random(seed), 1, hostile);
                ulong start = machine.Now;
                long at = command == Wait ? length : (long)(start + machine.Ahead) + length;
                Word(Time) = (uint)(at / 1_000_000_000);
                Word(Time + 8) = (uint)(at % 1_000_000_000);
                machine.Run((m, actor) => Assert.Equal(-Errno.ETIMEDOUT, m.Futex(actor, A, command | Private, 0, Time, 0, 0xFFFF_FFFF)));
                Assert.InRange(machine.Now - start, (ulong)length, (ulong)length + 1_000_000);
                Assert.Equal(0, FutexQueues.Count);
            },
            iter: 40, threads: 1);

    [Fact]
    public void A_signal_ends_a_wait_and_leaves_no_trace()
    {
        using FutexMachine machine = new(new Random(1), 2, hostile: false);
        machine.Run(
            (m, actor) => Assert.Equal(-Errno.EINTR, m.Futex(actor, A, Wait, 0)),
            (m, actor) =>
            {
                while (FutexQueues.Count == 0)
                {
                    m.Pause();
                }

                m.Signal(0);
                while (FutexQueues.Count != 0)
                {
                    m.Pause();
                }

                Assert.Equal(0, m.Futex(actor, A, Wake, 1));
            });
    }

    [Fact]
    public void Bitsets_choose()
    {
        using FutexMachine machine = new(new Random(2), 3, hostile: false);
        int first = 0;
        machine.Run(
            (m, actor) =>
            {
                Assert.Equal(0, m.Futex(actor, A, WaitBitset, 0, 0, 0, 1));
                first = first == 0 ? 1 : first;
            },
            (m, actor) =>
            {
                Assert.Equal(0, m.Futex(actor, A, WaitBitset, 0, 0, 0, 2));
                first = first == 0 ? 2 : first;
            },
            (m, actor) =>
            {
                while (FutexQueues.Count < 2)
                {
                    m.Pause();
                }

                Assert.Equal(1, m.Futex(actor, A, WakeBitset, 10, 0, 0, 2));
                while (first == 0)
                {
                    m.Pause();
                }

                Assert.Equal(1, m.Futex(actor, A, WakeBitset, 10, 0, 0, 1));
            });
        Assert.Equal(2, first);
    }

    [Theory]
    [InlineData(0, 0, 5u, 7u, 0, 7, 2)]     // set, equal: holds, both words' waiters wake
    [InlineData(1, 1, 5u, 7u, 5, 12, 1)]    // add, not equal to 5: does not hold
    [InlineData(2, 4, 5u, 8u, 4, 13, 2)]    // or, greater than 4
    [InlineData(3, 2, 5u, 4u, 5, 1, 1)]     // and-not, less than 5: does not hold
    [InlineData(4, 5, 5u, 1u, 5, 4, 2)]     // xor, at least 5
    [InlineData(9, 3, 5u, 3u, -1, 13, 1)]   // add 1 << 3, at most -1: does not hold
    public void Wake_op_changes_and_compares(int operation, int comparison, uint old, uint operand, int comparand, uint expected, int woken)
    {
        using FutexMachine machine = new(new Random(3), 3, hostile: false);
        uint code = ((uint)operation << 28) | ((uint)comparison << 24) | ((operand & 0xFFF) << 12) | ((uint)comparand & 0xFFF);
        if (operation == 0)
        {
            code = (code & ~0xFFFu) | 5;
        }

        machine.Run(
            (m, actor) => Assert.Equal(0, m.Futex(actor, A, Wait, 0)),
            (m, actor) => Assert.Equal(0, m.Futex(actor, B, Wait, 0)),
            (m, actor) =>
            {
                while (FutexQueues.Count < 2)
                {
                    m.Pause();
                }

                Word(B) = old;
                Assert.Equal(woken, m.Futex(actor, A, WakeOperation, 1, 1, B, code));
                Assert.Equal(expected, Word(B));
                _ = m.Futex(actor, B, Wake, 1);
            });
    }

    [Fact]
    public void Errors_are_those_of_Linux()
    {
        using FutexMachine machine = new(new Random(4), 1, hostile: false);
        machine.Run((m, actor) =>
        {
            Assert.Equal(-Errno.EINVAL, m.Futex(actor, A + 1, Wait, 0));
            Assert.Equal(-Errno.EAGAIN, m.Futex(actor, A, Wait, 1));
            Assert.Equal(-Errno.EFAULT, m.Futex(actor, 0x8000_0000, Wait, 0));
            Assert.Equal(-Errno.EINVAL, m.Futex(actor, A, WaitBitset, 0));
            Assert.Equal(-Errno.ENOSYS, m.Futex(actor, A, Wait | Realtime, 0));
            Assert.Equal(-Errno.ENOSYS, m.Futex(actor, A, 6, 0));
            Assert.Equal(0, m.Futex(actor, 0x8000_0000, Wake | Private, 1));
            Assert.Equal(-Errno.EFAULT, m.Futex(actor, 0x8000_0000, Wake, 1));
            Assert.Equal(-Errno.EFAULT, m.Futex(actor, ulong.MaxValue - 3, Wake | Private, 1));
            Assert.Equal(-Errno.EINVAL, m.Futex(actor, A, CompareRequeue, unchecked((ulong)-1), 1, B));
            Word(Time + 8) = 1_000_000_000;
            Assert.Equal(-Errno.EINVAL, m.Futex(actor, A, Wait, 0, Time));
        });
    }

    [Fact]
    public void The_end_of_a_thread_marks_its_robust_mutexes_and_wakes()
    {
        const ulong Head = FutexMachine.Data + 0x4000;
        const ulong First = FutexMachine.Data + 0x5000;
        const ulong Pending = FutexMachine.Data + 0x6000;
        using FutexMachine machine = new(new Random(5), 3, hostile: false);
        machine.Run(
            (m, actor) =>
            {
                ref Thread thread = ref m.ThreadOf(actor);
                KernelLock.Acquire();
                ulong[] head = [First, 16, Pending];
                Assert.True(UserMemory.TryWrite(ref thread, Head, System.Runtime.InteropServices.MemoryMarshal.AsBytes<ulong>(head)));
                Assert.True(UserMemory.TryWrite(ref thread, First, Head));
                KernelLock.Release();
                Word(First + 16) = 0x8000_0001;
                while (FutexQueues.Count < 2)
                {
                    m.Pause();
                }

                // The unlocking had come as far as the word; the wake-up is what is pending.
                Word(Pending + 16) = 0;
                KernelLock.Acquire();
                thread.RobustList = Head;
                Futexes.Release(ref thread);
                KernelLock.Release();
                Assert.Equal(0xC000_0000, Word(First + 16));
            },
            (m, actor) =>
            {
                m.Pause();
                while (Word(First + 16) == 0)
                {
                    m.Pause();
                }

                Assert.Equal(0, m.Futex(actor, First + 16, Wait, 0x8000_0001));
            },
            (m, actor) => Assert.Equal(0, m.Futex(actor, Pending + 16, Wait, 0)));
    }

    [Fact]
    public void Who_waits_for_a_dead_owner_is_woken_though_all_others_sleep() => Worlds.Sample(
        world =>
        {
            // A robust mutex that a killed thread held: two threads are asleep on it, nobody else enters the shield any more.
            const ulong Head = FutexMachine.Data + 0x4000;
            const ulong Mutex = FutexMachine.Data + 0x4100;
            using FutexMachine machine = new(new Random(world.Seed), 3, world.Hostile);
            void Take(FutexMachine m, int actor)
            {
                uint self = (uint)m.ThreadOf(actor).Tid;
                while (true)
                {
                    uint old = Word(Mutex + 16);
                    if ((old & 0x3FFF_FFFF) == 0)
                    {
                        Word(Mutex + 16) = self | (old & 0x8000_0000);
                        break;
                    }

                    Word(Mutex + 16) = old | 0x8000_0000;
                    m.Pause();
                    _ = m.Futex(actor, Mutex + 16, Wait, old | 0x8000_0000);
                }

                m.Pause();
                Word(Mutex + 16) = 0;
                _ = m.Futex(actor, Mutex + 16, Wake, 1);
            }

            machine.Run(
                Take,
                Take,
                (m, actor) =>
                {
                    ref Thread thread = ref m.ThreadOf(actor);
                    Word(Head) = (uint)Mutex;
                    Word(Head + 8) = 16;
                    Word(Mutex) = (uint)Head;
                    while (Word(Mutex + 16) != 0)
                    {
                        m.Pause();
                    }

                    Word(Mutex + 16) = (uint)thread.Tid;
                    thread.RobustList = Head;
                    for (int i = 0; i < world.Seed % 20; i++)
                    {
                        m.Pause();
                    }

                    thread.Dying = true;
                    KernelLock.Acquire();
                    Futexes.Release(ref thread);
                    KernelLock.Release();
                    m.FinishExit(actor);
                });
            Assert.Equal(0, FutexQueues.Count);
        },
        iter: 200,
        threads: 1);
}
