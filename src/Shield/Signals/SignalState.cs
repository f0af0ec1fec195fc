using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>siginfo_t: 128 bytes.</summary>
[InlineArray(Words)]
internal struct SignalInformation
{
    public const int Words = 16;
    public const int Bytes = 128;

    private ulong first;

    /// <summary>Information that the shield itself makes (signal, code, address).</summary>
    public static SignalInformation Make(int signal, int code, ulong address)
    {
        SignalInformation information = default;
        information[0] = (uint)signal;
        information[1] = (uint)code;
        information[2] = address;
        return information;
    }
}

/// <summary>A signal that was taken from the OS (or raised by the shield) and is not delivered yet.</summary>
internal struct QueuedSignal
{
    public SignalInformation Information;
    public Handle<QueuedSignal> Next;
    public int Signal;
}

/// <summary>Per-thread signal state: queue, masks, alternate stack.</summary>
internal struct SignalState
{
    public const int StackDisabled = 2;

    /// <summary>Blocked signals: bit n - 1 is signal n.</summary>
    public ulong Mask;

    /// <summary>Mask that Linux has for this thread.</summary>
    public ulong OsMask;

    /// <summary>Mask to go back to after a call with a temporary one (rt_sigsuspend, ppoll ...), if <see cref="HasSavedMask"/>.</summary>
    public ulong SavedMask;
    public bool HasSavedMask;

    public Handle<QueuedSignal> First;
    public Handle<QueuedSignal> Last;
    public int Count;

    /// <summary>sigaltstack: address, bytes (0: none), flags as the program gave them.</summary>
    public ulong StackAddress;
    public ulong StackBytes;
    public ulong StackFlags;

    /// <summary>The fault that raised a synchronous signal, for the frame.</summary>
    public ulong FaultAddress;
    public ulong FaultSyndrome;

    /// <summary>No alternate stack (Linux: sas_ss_reset).</summary>
    public void ResetStack()
    {
        StackAddress = 0;
        StackBytes = 0;
        StackFlags = StackDisabled;
    }
}
