using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>struct sigaction as the arm64 kernel takes it.</summary>
internal struct SignalAction
{
    public const ulong Default = 0;
    public const ulong Ignore = 1;

    public const ulong NoChildStop = 0x1;
    public const ulong NoChildWait = 0x2;
    public const ulong Information = 0x4;
    public const ulong ExposeTagBits = 0x800;
    public const ulong RestorerGiven = 0x0400_0000;
    public const ulong OnStack = 0x0800_0000;
    public const ulong Restart = 0x1000_0000;
    public const ulong NoDefer = 0x4000_0000;
    public const ulong ResetHandler = 0x8000_0000;

    /// <summary>Flags that Linux 6.1 keeps; it clears others, and so does the shield.</summary>
    public const ulong Known = NoChildStop | NoChildWait | Information | ExposeTagBits | RestorerGiven | OnStack | Restart | NoDefer | ResetHandler;

    public ulong Handler;
    public ulong Flags;
    public ulong Restorer;
    public ulong Mask;

    public readonly bool HasHandler => Handler is not (Default or Ignore);
}

/// <summary>Actions of a process (shared by CLONE_SIGHAND).</summary>
internal struct SignalActions
{
    [InlineArray(SignalNumber.Last)]
    private struct Table
    {
        private SignalAction first;
    }

    private Table table;

    /// <summary>Processes that use the table.</summary>
    public int Users;

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref SignalAction Of(int signal) => ref table[signal - 1];
}
