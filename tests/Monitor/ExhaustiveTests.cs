using System.Text;
using BlackBox.Abi;
using BlackBox.Simulation;
using Xunit;
using static BlackBox.Monitor.Tests.TestBed;

namespace BlackBox.Monitor.Tests;

/// <summary>Small scope, exhaustively: a few frames, two enclaves, every call with every range and enclave, from every state that can
/// be reached, until no new state appears. TLBs are full before each step.</summary>
public sealed class ExhaustiveTests(ITestOutputHelper output)
{
    // The OS runs on the third CPU, the two enclaves' tasks on the others.
    private const int OsCpu = 2;

    private readonly TestBed _bed = new(cpus: 3);
    private readonly ulong[] _enclaves = new ulong[2];
    private readonly ulong[] _tasks = new ulong[2];
    private ulong _firstFrame;
    private int _frameCount;

    private readonly record struct Event(int Kind, int Enclave, int First, int Count)
    {
        public override string ToString() => $"{Names[Kind]} enclave {Enclave} frames {First}+{Count}";

        private static readonly string[] Names = ["grant", "reclaim", "share", "unshare", "donate", "accept", "release", "destroy", "interrupt", "gate", "call"];
    }

    private static bool IsLong => Environment.GetEnvironmentVariable("BLACKBOX_TEST_EFFORT") is not null;

    [Fact]
    public void Memory_over_a_block_boundary() => Search(IsLong ? 4 : 2, withLife: false);

    [Fact]
    public void Memory_and_the_life_of_enclaves() => Search(IsLong ? 2 : 1, withLife: true);

    private void Search(int frames, bool withLife)
    {
        _frameCount = frames;
        _firstFrame = BlockThree - (ulong)(frames / 2);
        _bed.Machine.Watched.Clear();
        for (int i = 0; i < frames; i++)
        {
            _bed.Machine.Watched.Add(Frame(i));
        }

        for (int i = 0; i < 2; i++)
        {
            (_enclaves[i], _tasks[i]) = _bed.Start((ulong)i);
            Assert.True(_bed.System.Cpus[i].Gate(_tasks[i], 0));
        }

        List<Event> events = Events(withLife);
        byte[] baseImage = _bed.Machine.ClearDirty();
        var seen = new HashSet<string> { Key() };
        var frontier = new Queue<MachineSnapshot>([_bed.Machine.Save(baseImage)]);
        long transitions = 0;
        while (frontier.TryDequeue(out MachineSnapshot? state))
        {
            Restore(baseImage, state);
            string key = Key();
            foreach (Event step in events)
            {
                _bed.Machine.Tables.FillTlbs();
                Perform(step);
                transitions++;
                Invariants.CheckTlbs(_bed.Machine);
                Assert.Equal(0, _bed.Machine.Tables.Pending);
                string next = Key();
                if (next == key)
                {
                    continue;
                }

                if (seen.Add(next))
                {
                    Invariants.Check(_bed.System);
                    frontier.Enqueue(_bed.Machine.Save(baseImage));
                }

                Restore(baseImage, state);
            }
        }

        output.WriteLine($"{frames} frames, 2 enclaves{(withLife ? ", life of enclaves" : "")}: {seen.Count} states, {transitions} transitions, fixed point reached");
        Assert.True(seen.Count >= 100, $"{seen.Count} states");
    }

    private List<Event> Events(bool withLife)
    {
        var events = new List<Event>();
        for (int enclave = 0; enclave < 2; enclave++)
        {
            for (int first = 0; first < _frameCount; first++)
            {
                for (int count = 1; first + count <= _frameCount; count++)
                {
                    for (int kind = 0; kind < 7; kind++)
                    {
                        events.Add(new Event(kind, enclave, first, count));
                    }
                }
            }

            for (int kind = 7; withLife && kind < 11; kind++)
            {
                events.Add(new Event(kind, enclave, 0, 0));
            }
        }

        return events;
    }

    private void Perform(Event step)
    {
        SimulatedCpu os = _bed.System.Cpus[OsCpu];
        SimulatedCpu own = _bed.System.Cpus[step.Enclave];
        ulong enclave = _enclaves[step.Enclave];
        ulong frame = Frame(step.First);
        ulong count = (ulong)step.Count;
        // What is in the OS's frames, or what a container left in its own, is not zero.
        switch (step.Kind)
        {
            case 0:
                os.Hypercall((ulong)OsFunction.GrantMemory, enclave, frame, count);
                break;
            case 1:
                ScribbleOwned();
                os.Hypercall((ulong)OsFunction.ReclaimMemory, enclave, frame, count);
                break;
            case 2:
                os.Hypercall((ulong)OsFunction.SharePages, enclave, frame, count);
                break;
            case 3:
                os.Hypercall((ulong)OsFunction.UnsharePages, enclave, frame, count);
                break;
            case 4:
                os.Hypercall((ulong)OsFunction.DonateTables, enclave, frame, count);
                break;
            case 5 or 6:
                if (own.IsInContainer)
                {
                    own.Shield(step.Kind == 5 ? (uint)ShieldFunction.AcceptMemory : (uint)ShieldFunction.ReleaseMemory, frame, count);
                }

                break;
            case 7:
                os.Hypercall((ulong)OsFunction.DestroyEnclave, enclave);
                break;
            case 8 or 10:
                if (own.IsInContainer && step.Kind == 8)
                {
                    own.Interrupt();
                }
                else if (own.IsInContainer)
                {
                    own.Shield((uint)ShieldFunction.OsCall);
                }

                break;
            default:
                if (!own.IsInContainer)
                {
                    own.Gate(_tasks[step.Enclave], 0);
                }

                break;
        }
    }

    private void ScribbleOwned()
    {
        for (int i = 0; i < _frameCount; i++)
        {
            if (WordOf(i).State is FrameState.Granted or FrameState.Private or FrameState.Released)
            {
                _bed.Machine.Scribble(Frame(i), 0xcc);
            }
        }
    }

    private void Restore(byte[] baseImage, MachineSnapshot state)
    {
        _bed.Machine.Restore(baseImage, state);
        _bed.Machine.Tables.AddRoot(OsStageTwo.Vttbr);
        for (uint i = 0; i < 2; i++)
        {
            if (EnclaveTable.StateOf(i) is EnclaveState.Live or EnclaveState.Stopped)
            {
                _bed.Machine.Tables.AddRoot(EnclaveTable.VttbrOf(i));
            }
        }
    }

    // All that later behaviour depends on: frames, how they are mapped, pools, enclaves, tasks.
    private string Key()
    {
        SimulatedMachine.Cpu = OsCpu;
        var key = new StringBuilder();
        for (int i = 0; i < _frameCount; i++)
        {
            OsStageTwo.Tree().Find(new IntermediateAddress(Frame(i)), out int level);
            key.Append(WordOf(i).Value).Append(',').Append(level).Append(';');
        }

        for (uint i = 0; i < 2; i++)
        {
            Enclave enclave = EnclaveTable.At(i);
            key.Append(enclave.Word).Append(',').Append(enclave.Pool.Count).Append(',').Append(TaskTable.StateOf(ref TaskTable.At(new TaskHandle(_tasks[i]).Slot), out _)).Append(';');
        }

        return key.ToString();
    }

    private ulong Frame(int index) => F(_firstFrame + (ulong)index);

    private FrameWord WordOf(int index) => FrameTable.Read(new PhysicalAddress(Frame(index)).Frame);
}
