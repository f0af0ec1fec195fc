using System.Globalization;

namespace BlackBox.Dev.Fuzzing;

/// <summary>What one step does. The calls of the OS, then what else Linux can do, then the calls of a shield, then what else happens to a container.</summary>
internal enum StepKind
{
    Version,
    CreateEnclave,
    DestroyEnclave,
    DonateTables,
    GrantMemory,
    ReclaimMemory,
    SharePages,
    UnsharePages,
    TaskCreate,
    TaskClone,
    TaskExec,
    TaskExit,
    TaskDestroy,
    Statistics,

    /// <summary>A function number that is none.</summary>
    OtherOsCall,
    Gate,

    /// <summary>The OS writes into one of its frames.</summary>
    OsWrite,

    OsCall,
    OsFault,
    EventGet,
    TicketIssue,
    TicketCancel,
    TaskEnded,
    AcceptMemory,
    ReleaseMemory,
    Random,
    UnwrapKey,
    Stop,
    Log,
    YieldTo,
    YieldBack,
    Attest,

    /// <summary>An immediate that is none.</summary>
    OtherShieldCall,
    Interrupt,

    /// <summary>The container writes into its own frames.</summary>
    ShieldWrite,
}

/// <summary>One event on one CPU. Everything is named by small numbers whose meaning does not depend on the steps before (places of enclaves
/// and tasks, frames of the OS's RAM), so that a sequence stays meaningful when steps are taken out.</summary>
/// <param name="Group">0: alone. Neighbours of the same group run together, one switch of CPUs at any memory access; the number seeds the schedule</param>
/// <param name="Cpu">CPU</param>
/// <param name="Kind">event</param>
/// <param name="Enclave">see <see cref="Ghost.EnclaveHandle"/></param>
/// <param name="Task">see <see cref="Ghost.TaskHandle"/></param>
/// <param name="Task2">parent of a clone</param>
/// <param name="Frame">see <see cref="Names.Frame"/></param>
/// <param name="Frame2">second range: the buffer of a task</param>
/// <param name="Count">frames</param>
/// <param name="X">choice within the kind</param>
internal readonly record struct Step(uint Group, int Cpu, StepKind Kind, int Enclave, int Task, int Task2, uint Frame, uint Frame2, ulong Count, int X)
{
    public bool IsOfContainer => Kind >= StepKind.OsCall;

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Group} {Cpu} {Kind} {Enclave} {Task} {Task2} {Frame} {Frame2} {Count} {X}");

    /// <exception cref="FormatException">Not what <see cref="ToString"/> writes.</exception>
    public static Step Parse(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length != 10 || !Enum.TryParse(words[2], out StepKind kind))
        {
            throw new FormatException($"not a step: {line}");
        }

        int Number(int index) => int.Parse(words[index], CultureInfo.InvariantCulture);
        uint Unsigned(int index) => uint.Parse(words[index], CultureInfo.InvariantCulture);
        return new Step(Unsigned(0), Number(1), kind, Number(3), Number(4), Number(5), Unsigned(6), Unsigned(7), ulong.Parse(words[8], CultureInfo.InvariantCulture), Number(9));
    }
}
