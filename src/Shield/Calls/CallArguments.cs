using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>Arguments x0 to x5 of a system call, read once from the program's registers.</summary>
[InlineArray(Count)]
internal struct CallArguments
{
    public const int Count = 6;

    private ulong first;
}

/// <summary>Results of a handler that are no result of a call.</summary>
internal static class CallResult
{
    /// <summary>The handler set the program's registers itself (sigreturn, execve): the dispatcher leaves x0 alone. Outside Linux's range of results.</summary>
    public const long NoReturn = long.MinValue;
}
