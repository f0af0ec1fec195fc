using System.Runtime.CompilerServices;
using BlackBox.Abi;
using BlackBox.Dev.Fuzzing;
using BlackBox.Monitor;
using BlackBox.Simulation;

namespace BlackBox.Dev.Model;

/// <summary>A number for all that later behaviour depends on, the same for states that differ only in the names of enclaves, tasks and CPUs:
/// of the four ways to name them the least number is taken. Generations, addresses of table frames and counters of events are left out.</summary>
internal sealed class StateKey(FuzzWorld world)
{
    private const ulong AddressMask = 0x0000_ffff_ffff_f000;
    private const int Places = 2;
    private const int TasksPerPlace = 2;

    // CPUs that can be in a container.
    private const int Named = 2;

    private readonly ulong[] _words = new ulong[96];
    private int _count;

    private SimulatedMachine Machine => world.Machine;

    /// <summary>With the names as they are: enough to see that nothing has changed.</summary>
    public UInt128 ComputePlain() => Compute(0, 0);

    /// <param name="plain">what <see cref="ComputePlain"/> returned</param>
    public UInt128 Compute(UInt128 plain)
    {
        UInt128 least = plain;
        for (int naming = 1; naming < 4; naming++)
        {
            UInt128 key = Compute(naming & 1, naming >> 1);
            least = key < least ? key : least;
        }

        return least;
    }

    private UInt128 Compute(int firstPlace, int firstCpu)
    {
        _count = 0;
        ulong os = FrameTable.Layout.OsRoot.Value;
        for (uint i = 0; i < Scenario.Frames; i++)
        {
            Add(Word(world.WordOf(Scenario.FirstFrame + i), firstPlace) | (Leaf(os, Names.Frame(Scenario.FirstFrame + i)) << 32));
        }

        Add(Shape(os, Names.Frame(Scenario.FirstFrame)) | (Shape(os, Names.Frame(Names.BlockThree)) << 4));
        for (int i = 0; i < Places; i++)
        {
            int place = (firstPlace + i) % Places;
            AddEnclave(place, firstPlace);
            for (int j = 0; j < TasksPerPlace; j++)
            {
                AddTask((TasksPerPlace * place) + j, firstPlace);
            }
        }

        for (int i = 0; i < Named; i++)
        {
            CpuRecord cpu = Machine.PeekArray<CpuRecord>(Machine.RecordAddress + ((ulong)((firstCpu + i) % Named) * CpuRecord.Bytes), 1)[0];
            Add(RankOfSlot(cpu.Task, firstPlace) | (RankOfSlot(cpu.Lender, firstPlace) << 8) | ((ulong)cpu.IsInExit << 16));
        }

        return Hash();
    }

    private void AddEnclave(int place, int firstPlace)
    {
        Add(Word(world.WordOf(Names.Memory(place)), firstPlace) | (Word(world.WordOf(Names.Root(place)), firstPlace) << 16)
            | (Word(world.WordOf(Names.Tables(place)), firstPlace) << 32));
        for (int j = 0; j < TasksPerPlace; j++)
        {
            Add(Word(world.WordOf(Names.Buffer((TasksPerPlace * place) + j)), firstPlace));
        }

        ulong handle = world.Ghost.EnclaveAt[place];
        if (!world.Ghost.IsEnclave(handle))
        {
            Add(0);
            return;
        }

        Enclave enclave = EnclaveOf(handle);
        var state = (EnclaveState)(enclave.Word & 0xff);
        Add(enclave.Word | ((ulong)enclave.BootTicket << 32));
        if (state == EnclaveState.Dead)
        {
            return; // its tables are memory only
        }

        Add(enclave.Pool.Count | ((ulong)enclave.Pool.Reserved << 32));
        ulong shape = 0;
        foreach (uint frame in (ReadOnlySpan<uint>)[Scenario.FirstFrame, Names.BlockThree])
        {
            shape = (shape << 8) | Shape(enclave.Root.Value, Names.Frame(frame)) | (Shape(enclave.Root.Value, Names.Frame(frame) | AbiConstants.LentBit) << 4);
        }

        Add(shape);
        for (uint i = 0; i < Scenario.Frames; i++)
        {
            ulong at = Names.Frame(Scenario.FirstFrame + i);
            Add(Leaf(enclave.Root.Value, at) | (Leaf(enclave.Root.Value, at | AbiConstants.LentBit) << 16));
        }

        Add(enclave.OwnedFrames | ((ulong)enclave.LentFrames << 16) | ((ulong)enclave.TableFrames << 32) | ((ulong)enclave.Tasks << 48));
    }

    private void AddTask(int place, int firstPlace)
    {
        ulong handle = world.Ghost.TaskAt[place];
        if (!world.Ghost.IsTask(handle))
        {
            Add(0);
            return;
        }

        TaskSlot slot = SlotOf(handle);
        TaskContext context = Machine.PeekArray<TaskContext>(slot.Context.Address.Value, 1)[0];
        Add((slot.Word & 0xff) | (Rank(slot.Enclave, firstPlace) << 8) | (Near(slot.Context) << 16) | (Near(slot.Buffer) << 32));
        Add(context.EventBits | (context.Dying << 8) | (context.Ended << 16) | (context.Executed << 24) | ((ulong)context.Ticket << 32)
            | ((context.Registers.Pstate & 0xf) << 40));
    }

    // Which frame of the model; 15: another.
    private static ulong Near(FrameNumber frame)
    {
        ulong offset = (frame.Address.Value - Names.Frame(Scenario.FirstFrame)) / FrameNumber.Size;
        return offset < Scenario.Frames ? offset : 15;
    }

    private ulong Word(FrameWord word, int firstPlace) =>
        (ulong)word.State | (word.State > FrameState.Os ? Rank(word.Enclave, firstPlace) << 4 : 0) | (word.IsBuffer ? 1UL << 8 : 0);

    // Which of the model's enclaves: 0, 1, or 3 for none.
    private ulong Rank(uint index, int firstPlace)
    {
        for (int i = 0; i < Places; i++)
        {
            ulong handle = world.Ghost.EnclaveAt[(firstPlace + i) % Places];
            if (new EnclaveHandle(handle).Index == index && world.Ghost.IsEnclave(handle))
            {
                return (ulong)i;
            }
        }

        return 3;
    }

    // Slot + 1 as CPU records have it, to place + 1.
    private ulong RankOfSlot(uint slot, int firstPlace)
    {
        for (int i = 0; slot != 0 && i < Places * TasksPerPlace; i++)
        {
            int place = (i + (firstPlace * TasksPerPlace)) % (Places * TasksPerPlace);
            ulong handle = world.Ghost.TaskAt[place];
            if (new TaskHandle(handle).Slot == slot - 1 && world.Ghost.IsTask(handle))
            {
                return (ulong)i + 1;
            }
        }

        return slot == 0 ? 0 : 15UL;
    }

    private Enclave EnclaveOf(ulong handle) =>
        Machine.PeekArray<Enclave>(FrameTable.Layout.Enclaves.Value + (new EnclaveHandle(handle).Index * Enclave.Bytes), 1)[0];

    private TaskSlot SlotOf(ulong handle) =>
        Machine.PeekArray<TaskSlot>(FrameTable.Layout.Tasks.Value + (new TaskHandle(handle).Slot * TaskSlot.Bytes), 1)[0];

    // How far the tables reach for an address: 0 nothing, 1 level 2, 2 a block, 3 level 3.
    private ulong Shape(ulong root, ulong ipa)
    {
        ulong first = Machine.PeekLong(root + (((ipa >> 30) & 1023) * 8));
        if ((first & 3) != 3)
        {
            return first & 1;
        }

        ulong second = Machine.PeekLong((first & AddressMask) + (((ipa >> 21) & 511) * 8));
        return (second & 3) switch { 3 => 3, 1 => 2, _ => 1 };
    }

    // What the tables yield for an address: nothing, the frame at identity, or another; and the rights.
    private ulong Leaf(ulong root, ulong ipa)
    {
        ulong first = Machine.PeekLong(root + (((ipa >> 30) & 1023) * 8));
        ulong second = (first & 3) == 3 ? Machine.PeekLong((first & AddressMask) + (((ipa >> 21) & 511) * 8)) : first;
        ulong entry = (second & 3) == 3 && (first & 3) == 3 ? Machine.PeekLong((second & AddressMask) + (((ipa >> 12) & 511) * 8)) : second;
        if ((entry & 1) == 0)
        {
            return 0;
        }

        bool isWhole = (second & 3) != 3;
        bool isSame = (entry & AddressMask) == (ipa & ~AbiConstants.LentBit & ~(isWhole ? 0x1f_ffffUL : 0));
        return (isSame ? 1u : 2u) | ((entry >> 4) & 0xf0) | ((entry >> 46) & 0x100);
    }

    private void Add(ulong word) => _words[_count++] = word;

    private UInt128 Hash()
    {
        ulong low = 0x9e37_79b9_7f4a_7c15;
        ulong high = 0xc2b2_ae3d_27d4_eb4f;
        for (int i = 0; i < _count; i++)
        {
            low = Mix(low ^ _words[i], 0xff51_afd7_ed55_8ccd);
            high = Mix(high + _words[i], 0xc4ce_b9fe_1a85_ec53);
        }

        return new UInt128(Mix(high, low | 1), Mix(low, high | 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong value, ulong factor)
    {
        value *= factor;
        value ^= value >> 29;
        return value * 0x94d0_49bb_1331_11eb ^ (value >> 32);
    }
}
