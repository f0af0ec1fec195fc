namespace BlackBox.Monitor;

/// <summary>The system MMU of the devices (SMMUv3, Arm IHI 0070): its command and event queues. The OS does not see it. Interrupts are not used.</summary>
/// <remarks>The caller holds the lock of the OS's stage-2.</remarks>
public static partial class Smmu
{
    private const ulong CommandProduced = 0x98;
    private const ulong CommandConsumed = 0x9c;
    private const ulong EventProduced = 0x100a8;
    private const ulong EventConsumed = 0x100ac;
    private const uint ConsumedError = 0x7f00_0000;
    private const uint Overflow = 1u << 31;
    private const int CommandLog = 8;
    private const int EventLog = 7;
    private const ulong CommandInvalidateAll = 0x30;    // CMD_TLBI_NSNH_ALL
    private const ulong CommandSync = 0x46;
    private const int Patience = 100_000_000;

    private static ulong _registers;
    private static PhysicalAddress _commands;
    private static PhysicalAddress _events;
    private static uint _produced;
    private static ulong _faults;
    private static ulong _commandCount;
    private static ulong _lastStream;
    private static ulong _lastAddress;

    /// <summary>Commands given since boot.</summary>
    public static ulong Commands => _commandCount;

    /// <summary>Accesses of devices that were refused, as far as the event queue could hold them.</summary>
    public static ulong Faults => _faults;

    /// <summary>Stream and address of the last one.</summary>
    public static ulong LastStream => _lastStream;
    public static ulong LastAddress => _lastAddress;

    /// <summary>No translation made before is used after; transfers that used one have ended (IHI 0070, CMD_SYNC).</summary>
    public static void InvalidateAll()
    {
        Submit(CommandInvalidateAll);
        Submit(CommandSync);
        Hardware.DataBarrier();
        Hardware.WriteDevice(_registers + CommandProduced, _produced);
        for (int i = 0; i < Patience; i++)
        {
            uint consumed = Hardware.ReadDevice(_registers + CommandConsumed);
            if ((consumed & ConsumedError) != 0)
            {
                break;
            }

            if (consumed == _produced)
            {
                return;
            }

            Hardware.SpinHint();
        }

        Hardware.Panic("the SMMU does not take commands"u8);
    }

    /// <summary>Counts what the SMMU refused, and makes room for more.</summary>
    public static void TakeEvents()
    {
        uint produced = Hardware.ReadDevice(_registers + EventProduced);
        uint consumed = Hardware.ReadDevice(_registers + EventConsumed);
        uint mask = (1u << (EventLog + 1)) - 1;
        uint pending = (produced - consumed) & mask;
        if (pending == 0)
        {
            return;
        }

        // Each record has 32 bytes: stream in bits 63:32, input address in the third word.
        int last = (int)((produced - 1) & (mask >> 1)) * 4;
        _lastStream = Hardware.ReadEntry(_events, last) >> 32;
        _lastAddress = Hardware.ReadEntry(_events, last + 2);
        _faults += pending;
        Hardware.WriteDevice(_registers + EventConsumed, (produced & mask) | (produced & Overflow));
    }

    private static void Submit(ulong command)
    {
        int slot = (int)(_produced & ((1u << CommandLog) - 1)) * 2;
        Hardware.WriteEntry(_commands, slot, command);
        Hardware.WriteEntry(_commands, slot + 1, 0);
        _produced = (_produced + 1) & ((1u << (CommandLog + 1)) - 1);
        _commandCount++;
    }
}
