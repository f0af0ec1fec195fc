namespace BlackBox.Monitor;

/// <summary>Who owns a frame and what for. Zero is the most restrictive state.</summary>
public enum FrameState : uint
{
    /// <summary>The monitor's, for ever; mapped nowhere.</summary>
    Monitor = 0,

    /// <summary>The monitor's, read-only and execute-never in the OS's stage-2 (gate page).</summary>
    Published = 1,

    /// <summary>The monitor's, read-only and executable in every PPAS.</summary>
    ShieldImage = 2,

    /// <summary>The OS's, mapped in its stage-2 at identity.</summary>
    Os = 3,

    /// <summary>The OS's, also mapped in one PPAS at PA | LentBit.</summary>
    Lent = 4,

    /// <summary>The PPAS's and mapped there, not yet accepted by its shield.</summary>
    Granted = 5,

    /// <summary>The PPAS's and mapped there.</summary>
    Private = 6,

    /// <summary>The PPAS's, mapped nowhere, not scrubbed yet.</summary>
    Released = 7,

    /// <summary>The monitor's for an enclave: root, stage-2 table, or spare table frame.</summary>
    Table = 8,

    /// <summary>The monitor's for a task: its context.</summary>
    Context = 9,
}

/// <summary>One word of the frame table: state in bits 0-3, lock in bit 4, enclave index in bits 5-12 (0 where no enclave is
/// meant), buffer mark in bit 13. While the lock bit is set only its holder may change the word or the frame's mappings.</summary>
public readonly struct FrameWord(uint value)
{
    private const uint LockBit = 1 << 4;
    private const uint BufferBit = 1 << 13;

    public uint Value { get; } = value;

    public FrameState State => (FrameState)(Value & 0xf);

    public bool IsLocked => (Value & LockBit) != 0;

    public uint Enclave => (Value >> 5) & 0xff;

    /// <summary>Is the frame (Lent) part of a task's shared buffer?</summary>
    public bool IsBuffer => (Value & BufferBit) != 0;

    public FrameWord Locked => new(Value | LockBit);

    public FrameWord Unlocked => new(Value & ~LockBit);

    /// <summary>The OS's frame.</summary>
    public static FrameWord Os => new((uint)FrameState.Os);

    public static FrameWord Of(FrameState state, uint enclave) => new((uint)state | (enclave << 5));

    public static FrameWord Buffer(uint enclave) => new((uint)FrameState.Lent | (enclave << 5) | BufferBit);
}

/// <summary>Set of words in which an operation accepts a frame: some states, one enclave, buffer mark or not.</summary>
public readonly struct FrameExpectation
{
    private readonly uint _states;
    private readonly uint _enclave;
    private readonly bool _isBuffer;

    private FrameExpectation(uint states, uint enclave, bool isBuffer)
    {
        _states = states;
        _enclave = enclave;
        _isBuffer = isBuffer;
    }

    /// <summary>Frames of the OS that nobody else uses.</summary>
    public static FrameExpectation Os => new(1u << (int)FrameState.Os, 0, false);

    /// <summary>Frames in <paramref name="state"/> of <paramref name="enclave"/>, not the buffer of a task.</summary>
    public static FrameExpectation Of(FrameState state, uint enclave) => new(1u << (int)state, enclave, false);

    /// <summary>Lent frames that are the buffer of a task.</summary>
    public static FrameExpectation Buffer(uint enclave) => new(1u << (int)FrameState.Lent, enclave, true);

    /// <summary>What the OS may take back from a live enclave.</summary>
    public static FrameExpectation Reclaimable(uint enclave) =>
        new((1u << (int)FrameState.Granted) | (1u << (int)FrameState.Released), enclave, false);

    /// <summary>What the OS may take back from a dead enclave: all but contexts (TaskDestroy) and lent frames (UnsharePages).</summary>
    public static FrameExpectation ReclaimableDead(uint enclave) =>
        new((1u << (int)FrameState.Granted) | (1u << (int)FrameState.Released) | (1u << (int)FrameState.Private) | (1u << (int)FrameState.Table),
            enclave, false);

    /// <summary>Is <paramref name="word"/>, lock bit aside, in the set?</summary>
    public bool Accepts(FrameWord word) =>
        ((_states >> (int)word.State) & 1) != 0 && word.Enclave == _enclave && word.IsBuffer == _isBuffer;
}
