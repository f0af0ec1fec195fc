using BlackBox.Monitor;
using BlackBox.Simulation;

namespace BlackBox.Dev.Fuzzing;

/// <summary>What the numbers in steps mean, and where things stand in a machine of 14 MiB: the OS has four blocks of 2 MiB, the first for
/// the enclaves' own memory, the second for tables, buffers and contexts, the others for grants.</summary>
internal static class Names
{
    public const ulong Megabytes = 14;
    public const int Enclaves = 3;
    public const int Tasks = 8;
    public const uint StaleEnclaves = Enclaves;
    public const int EnclaveNames = (2 * Enclaves) + 4;
    public const int TaskNames = (2 * Tasks) + 4;

    /// <summary>From here on frame numbers mean places outside the OS's RAM, or none at all.</summary>
    public const uint Special = 0x10000;
    public const uint SpecialCount = 8;

    /// <summary>Block of which the first half is free and which follows another free block.</summary>
    public const uint BlockTwo = 1024;
    public const uint BlockThree = 1536;
    public const uint EndOfRam = 2048;
    public const uint TableFrames = 16;

    /// <summary>Frames around which steps choose most.</summary>
    public static readonly uint[] HotFrames = MakeHotFrames();

    public static uint Root(int enclave) => 512 + (2 * (uint)enclave);

    public static uint Memory(int enclave) => enclave < 2 ? 256 * (uint)enclave : BlockThree + 256;

    public static uint Tables(int enclave) => 520 + (TableFrames * (uint)enclave);

    public static uint Buffer(int task) => 600 + (2 * (uint)task);

    public static uint Context(int task) => 700 + (uint)task;

    /// <summary>Physical address of a frame number.</summary>
    public static ulong Frame(uint frame)
    {
        ref readonly MonitorLayout layout = ref FrameTable.Layout;
        return frame < Special ? SimulatedSystem.Frame(frame) : (frame - Special) switch
        {
            0 => layout.ShieldImage.First.Address.Value,
            1 => layout.GateFrame.Address.Value,
            2 => layout.FrameWords.Value,
            3 => SimulatedSystem.Frame(BlockTwo) + 8,
            4 => 0,
            5 => ulong.MaxValue & ~0xfffUL,
            6 => layout.Ram.End.Address.Value,
            _ => layout.OsRoot.Value,
        };
    }

    private static uint[] MakeHotFrames()
    {
        var frames = new List<uint> { 0, 1, 127, 255, 256, 511 };
        void Add(uint first, uint count) => frames.AddRange(Enumerable.Range((int)first, (int)count).Select(frame => (uint)frame));
        Add(Root(0), 6);
        Add(Tables(0), 3);
        Add(Tables(1), 3);
        Add(580, 4);
        Add(EndOfRam - 2, 2);
        Add(Buffer(0), 2 * Tasks);
        Add(Context(0), Tasks);
        Add(BlockTwo - 8, 16);
        Add(BlockTwo - 8, 16);
        Add(BlockThree - 8, 16);
        Add(BlockThree - 8, 16);
        return [.. frames];
    }
}
