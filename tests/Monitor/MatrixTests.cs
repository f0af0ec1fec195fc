using System.Security.Cryptography;
using BlackBox.Abi;
using BlackBox.Simulation;
using Xunit;
using static BlackBox.Monitor.Tests.TestBed;

namespace BlackBox.Monitor.Tests;

/// <summary>Every state of a frame or task times every operation: what is not in the table of legal pairs is refused with the status
/// that the table gives, and not one byte of the machine changes.</summary>
public sealed class MatrixTests(ITestOutputHelper output)
{
    private const ulong Pair = 2;

    /// <summary>Situations of two adjacent frames; "A" is the enclave that the operations name, "B" another one.</summary>
    private enum Frames
    {
        Monitor, ShieldImage, Os, LentA, BufferA, GrantedA, PrivateA, ReleasedA, TableA, ContextA, LentB, BufferB, GrantedB, PrivateB, ReleasedB, TableB, ContextB,
    }

    private enum Operation
    {
        Grant, Share, Unshare, Reclaim, Donate, Context, Buffer, CreateRoot, CreateTables, Statistics, Accept, Release, UnwrapKey, Attest, Log,
    }

    private TestBed _bed = null!;
    private ulong _a;
    private ulong _b;

    [Theory]
    [InlineData("live")]
    [InlineData("stopped")]
    [InlineData("dead")]
    public void Frame_states(string life)
    {
        int legal = 0;
        int illegal = 0;
        Prepare(life);
        foreach (Frames frames in Enum.GetValues<Frames>())
        {
            foreach (Operation operation in Enum.GetValues<Operation>())
            {
                if (life == "dead" && operation >= Operation.Accept)
                {
                    continue; // no shield runs
                }

                Status expected = Expected(frames, operation, life);
                byte[] before = Memory();
                Status actual = Perform(operation, AddressOf(frames));
                Assert.True(expected == actual, $"{operation} of {frames} ({life}): {actual}, expected {expected}");
                Invariants.Check(_bed.System);
                if (expected == Status.Success)
                {
                    legal++;
                    Prepare(life);
                }
                else
                {
                    illegal++;
                    Assert.True(before.AsSpan().SequenceEqual(Memory()), $"{operation} of {frames} ({life}) was refused and changed memory");
                }
            }
        }

        output.WriteLine($"{life}: {legal} legal pairs, {illegal} refused");
    }

    private static Status Expected(Frames frames, Operation operation, string life)
    {
        bool isLive = life == "live";
        switch (operation)
        {
            case Operation.Grant or Operation.Share or Operation.Donate or Operation.Context:
                return !isLive ? Status.Stopped : frames == Frames.Os ? Status.Success : Status.Denied;
            case Operation.Buffer:
                return !isLive ? Status.Stopped : frames == Frames.LentA ? Status.Success : Status.Denied;
            case Operation.CreateRoot or Operation.CreateTables or Operation.Statistics:
                return frames == Frames.Os ? Status.Success : Status.Denied;
            case Operation.Unshare:
                return frames == Frames.LentA ? Status.Success : Status.Denied;
            case Operation.Reclaim:
                return frames switch
                {
                    Frames.GrantedA or Frames.ReleasedA => Status.Success,
                    Frames.PrivateA or Frames.TableA => life switch { "live" => Status.Denied, "stopped" => Status.Busy, _ => Status.Success },
                    _ => Status.Denied,
                };
            case Operation.Accept:
                return frames == Frames.GrantedA ? Status.Success : Status.Denied;
            case Operation.Release or Operation.UnwrapKey or Operation.Attest:
                return frames == Frames.PrivateA ? Status.Success : Status.Denied;
            default:
                return frames is Frames.PrivateA or Frames.ShieldImage ? Status.Success : Status.Denied;
        }
    }

    private static ulong AddressOf(Frames frames) => frames switch
    {
        Frames.Monitor => FrameTable.Layout.OsRoot.Value,
        Frames.ShieldImage => FrameTable.Layout.ShieldImage.First.Address.Value,
        Frames.Os => F(BlockTwo + 400),
        Frames.LentA => F(BlockTwo),
        Frames.BufferA => F(Buffer(0)),
        Frames.GrantedA => F(BlockTwo + 4),
        Frames.PrivateA => F(2),
        Frames.ReleasedA => F(BlockTwo + 8),
        Frames.TableA => F(512),
        Frames.ContextA => F(Context(0)),
        Frames.LentB => F(BlockTwo + 12),
        Frames.BufferB => F(Buffer(20)),
        Frames.GrantedB => F(BlockTwo + 16),
        Frames.PrivateB => F(258),
        Frames.ReleasedB => F(BlockTwo + 20),
        Frames.TableB => F(514),
        _ => F(Context(20)),
    };

    private Status Perform(Operation operation, ulong address)
    {
        SimulatedCpu os = _bed.Cpu2;
        ulong count = address == F(Context(0)) || address == F(Context(20)) ? 1 : Pair;
        switch (operation)
        {
            case Operation.Grant:
                return os.Hypercall(4, _a, address, count)!.Value;
            case Operation.Reclaim:
                return os.Hypercall(5, _a, address, count)!.Value;
            case Operation.Share:
                return os.Hypercall(6, _a, address, count)!.Value;
            case Operation.Unshare:
                return os.Hypercall(7, _a, address, count)!.Value;
            case Operation.Donate:
                return os.Hypercall(3, _a, address, count)!.Value;
            case Operation.Context:
                return os.Hypercall(8, _a, address, F(BlockTwo + 24), 2)!.Value;
            case Operation.Buffer:
                return os.Hypercall(8, _a, F(BlockThree), address, 2)!.Value;
            case Operation.CreateRoot:
                return Created(os.Hypercall(1, address, F(BlockThree), 256, F(BlockThree + 256), 16)!.Value);
            case Operation.CreateTables:
                return Created(os.Hypercall(1, F(BlockThree + 300), F(BlockThree), 256, address, 16)!.Value);
            case Operation.Statistics:
                return os.Hypercall(13, 0, 0, address)!.Value;
            case Operation.Accept:
                return Shield(7, address, count);
            case Operation.Release:
                return Shield(8, address, count);
            case Operation.UnwrapKey:
                return Shield(10, address, 0);
            case Operation.Attest:
                return Shield(15, address, 4);
            default:
                return Shield(12, address, 16);
        }
    }

    private Status Created(Status status)
    {
        if (status == Status.Success)
        {
            _bed.Machine.Tables.AddRoot(EnclaveTable.VttbrOf(new EnclaveHandle(_bed.Cpu2.Os.General[1]).Index));
        }

        return status;
    }

    private Status Shield(uint number, ulong x0, ulong x1)
    {
        RegisterFile saved = _bed.Cpu.Container;
        _bed.Cpu.Shield(number, x0, x1);
        Status status = (Status)_bed.Cpu.Container.General[0];
        _bed.Cpu.Container = saved;
        return status;
    }

    // Frames of all situations at once; A runs on the first CPU, the second is the OS's.
    private void Prepare(string life)
    {
        _bed = new TestBed();
        (_b, ulong taskB) = _bed.Enter(1);
        Populate(_b, BlockTwo + 12, BlockTwo + 16, BlockTwo + 20);
        _bed.Cpu.Interrupt();
        (_a, _) = _bed.Enter();
        Populate(_a, BlockTwo, BlockTwo + 4, BlockTwo + 8);
        Assert.Equal(Status.Success, _bed.Call2(OsFunction.SharePages, _a, F(BlockTwo + 24), 2));
        Assert.NotEqual(0u, taskB);
        _bed.Machine.Bytes(F(2), 1)[0] = 0xa5; // a key blob that is "ours"
        SHA256.HashData(new byte[4]).CopyTo(EnclaveTable.At(new EnclaveHandle(_a).Index).Report); // what Attest is called with
        if (life != "live")
        {
            Assert.Equal(Status.Busy, _bed.Call2(OsFunction.DestroyEnclave, _a));
        }

        if (life == "dead")
        {
            _bed.Cpu.Interrupt();
            Assert.Equal(Status.Again, _bed.Call2(OsFunction.DestroyEnclave, _a));
        }
    }

    private void Populate(ulong enclave, ulong lent, ulong granted, ulong released)
    {
        Assert.Equal(Status.Success, _bed.Call2(OsFunction.SharePages, enclave, F(lent), Pair));
        Assert.Equal(Status.Success, _bed.Call2(OsFunction.GrantMemory, enclave, F(granted), Pair));
        Assert.Equal(Status.Success, _bed.Call2(OsFunction.GrantMemory, enclave, F(released), Pair));
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.AcceptMemory, F(released), Pair));
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.ReleaseMemory, F(released), Pair));
    }

    // All RAM but the CPUs' counters and the notes of refusals.
    private byte[] Memory()
    {
        byte[] copy = _bed.Machine.Peek(SimulatedSystem.RamBase, (int)_bed.Machine.RamBytes).ToArray();
        copy.AsSpan((int)(_bed.Machine.RecordAddress - SimulatedSystem.RamBase), (int)(Constants.MaximumCpus * CpuRecord.Bytes)).Clear();
        copy.AsSpan((int)(FrameTable.Layout.AuditFrame.Address.Value - SimulatedSystem.RamBase), (int)FrameNumber.Size).Clear();
        return copy;
    }
}
