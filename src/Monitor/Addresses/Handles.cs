namespace BlackBox.Monitor;

/// <summary>What the OS calls an enclave by: table index | generation &lt;&lt; 16. The generation makes an old handle useless.</summary>
public readonly struct EnclaveHandle(ulong value)
{
    public ulong Value { get; } = value;

    public uint Index => (uint)(Value & 0xffff);

    public uint Generation => (uint)(Value >> 16);

    /// <summary>Are the bits that no handle uses zero?</summary>
    public bool IsWellFormed => Value >> 48 == 0;

    public static EnclaveHandle Make(uint index, uint generation) => new(index | ((ulong)generation << 16));
}

/// <summary>What the OS calls a task by (and puts in TPIDR_EL0 of its thread): table slot | generation &lt;&lt; 16.</summary>
public readonly struct TaskHandle(ulong value)
{
    public ulong Value { get; } = value;

    public uint Slot => (uint)(Value & 0xffff);

    public uint Generation => (uint)(Value >> 16);

    /// <summary>Are the bits that no handle uses zero?</summary>
    public bool IsWellFormed => Value >> 48 == 0;

    public static TaskHandle Make(uint slot, uint generation) => new(slot | ((ulong)generation << 16));
}
