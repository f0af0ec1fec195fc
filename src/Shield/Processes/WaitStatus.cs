namespace BlackBox.Shield;

/// <summary>The form of a wait status: an exit code in bits 15..8, or a signal in bits 6..0 with 0x80 for a core; a stop or the end of one.</summary>
internal static class WaitStatus
{
    public const int CoreDumped = 0x80;
    public const int StoppedMark = 0x7F;
    public const int Continued = 0xFFFF;

    public static bool IsStop(int value) => value == Continued || (value & 0xFF) == StoppedMark;

    /// <summary>Stopped by SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU: nothing in an enclave is traced.</summary>
    public static bool IsPlausibleStop(int value) => value == Continued || ((value & 0xFF) == StoppedMark && (value >> 8) is >= 19 and <= 22);

    public static bool IsEnd(int value) =>
        (value & 0x7F) == 0 ? (value & ~0xFF00) == 0 : (value & ~0xFF) == 0 && (value & 0x7F) <= SignalNumber.Last;
}
