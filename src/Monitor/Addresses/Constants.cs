namespace BlackBox.Monitor;

/// <summary>Sizes of the monitor's fixed tables. The numbers that others see stand in src/Abi/abi.json.</summary>
public static class Constants
{
    /// <summary>Enclaves at one time; index + 1 is the VMID, which must fit 8 bits.</summary>
    public const uint MaximumEnclaves = 128;

    /// <summary>Tasks of all enclaves at one time; the slot must fit 16 bits.</summary>
    public const uint MaximumTasks = 4096;

    /// <summary>CPUs that the monitor manages.</summary>
    public const uint MaximumCpus = 16;

    /// <summary>Frames that one hypercall handles at most: bounds the time with interrupts masked.</summary>
    public const ulong MaximumFrames = 512;

    /// <summary>Frames between two looks at pending interrupts while memory is scrubbed.</summary>
    public const ulong ScrubSlice = 128;

    /// <summary>Table frames that one hypercall takes at most.</summary>
    public const ulong MaximumTableFrames = 64;

    /// <summary>Frames of the shared buffer of a task.</summary>
    public const ulong MaximumBufferFrames = 64;
}
