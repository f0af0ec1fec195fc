namespace BlackBox.Shield;

/// <summary>Signal numbers of arm64 Linux (include/uapi/asm-generic/signal.h) and their classes.</summary>
internal static class SignalNumber
{
    public const int Illegal = 4;
    public const int Trap = 5;
    public const int Bus = 7;
    public const int FloatingPoint = 8;
    public const int Kill = 9;
    public const int Segmentation = 11;
    public const int Child = 17;
    public const int Continue = 18;
    public const int Stop = 19;
    public const int TerminalStop = 20;
    public const int TerminalInput = 21;
    public const int TerminalOutput = 22;
    public const int Urgent = 23;
    public const int WindowChange = 28;
    public const int FirstRealtime = 32;
    public const int Last = 64;

    private const ulong Synchronous = (1UL << (Illegal - 1)) | (1UL << (Trap - 1)) | (1UL << (Bus - 1)) | (1UL << (FloatingPoint - 1))
        | (1UL << (Segmentation - 1));

    private const ulong IgnoredByDefault = (1UL << (Child - 1)) | (1UL << (Continue - 1)) | (1UL << (Urgent - 1)) | (1UL << (WindowChange - 1));

    /// <summary>Signals that no mask blocks.</summary>
    public const ulong Unblockable = (1UL << (Kill - 1)) | (1UL << (Stop - 1));

    /// <summary>Whether the number names a signal.</summary>
    public static bool IsValid(int signal) => signal is >= 1 and <= Last;

    /// <summary>Bit of a signal in a mask.</summary>
    public static ulong Bit(int signal) => 1UL << (signal - 1);

    /// <summary>Signals whose cause is the instruction stream: they come from the shield alone, never from the OS.</summary>
    public static bool IsSynchronous(int signal) => (Synchronous & Bit(signal)) != 0;

    /// <summary>Signals whose default action is nothing.</summary>
    public static bool IsIgnoredByDefault(int signal) => (IgnoredByDefault & Bit(signal)) != 0;
}
