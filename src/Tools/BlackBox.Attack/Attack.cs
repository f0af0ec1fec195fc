namespace BlackBox.Attacks;

/// <summary>How an attack ended.</summary>
[Flags]
public enum AttackOutcome
{
    None = 0,

    /// <summary>A status, an errno or a refusal to start said no, and nothing changed.</summary>
    Refused = 1,

    /// <summary>The attacker got a fault.</summary>
    Faulted = 2,

    /// <summary>The enclave was stopped or its program killed: denial of service, which the OS can always have.</summary>
    EnclaveStopped = 4,

    /// <summary>The container saw an error that its interface defines.</summary>
    DefinedError = 8,

    /// <summary>The container did not notice.</summary>
    Harmless = 16,

    /// <summary>Data of the container was seen outside.</summary>
    Leaked = 32,

    /// <summary>Something of the container changed without its notice.</summary>
    SilentChange = 64,

    /// <summary>The machine hung, panicked or did not answer.</summary>
    MachineLost = 128,

    /// <summary>What the OS gave did not come back.</summary>
    MemoryLost = 256,

    /// <summary>An outcome the attack's author did not think of.</summary>
    Unexpected = 512,
}

/// <summary>What an attack saw.</summary>
/// <param name="ControlHolds">The same act succeeded where it should.</param>
/// <param name="Outcome">Against the protected target.</param>
/// <param name="Detail">One line for the reader.</param>
public sealed record Observation(bool ControlHolds, AttackOutcome Outcome, string Detail);

/// <summary>One attack. Its subclasses stand each in a file of its own below Families.</summary>
/// <param name="name">short name, stable: other programs read it</param>
/// <param name="family">group of <see cref="AttackFamily"/></param>
/// <param name="tries">what the attacker does</param>
/// <param name="control">what shows that the attack works where nothing defends</param>
/// <param name="required">any of these is a pass</param>
public abstract class Attack(string name, string family, string tries, string control, AttackOutcome required)
{
    public string Name { get; } = name;

    public string Family { get; } = family;

    public string Tries { get; } = tries;

    public string Control { get; } = control;

    public AttackOutcome Required { get; } = required;

    /// <summary>The build of the monitor on which it runs: null for the product, else a mutant that the attacker needs (a hostile shield).</summary>
    public virtual string? Build => null;

    /// <summary>Control by a planted fault: a build in which this attack has to end otherwise than required; or null.</summary>
    public virtual string? Mutant => null;

    /// <summary>What shows that the attack works.</summary>
    public string ControlText => Mutant is null ? Control : $"{Control}; and it succeeds on the build '{Mutant}'";

    /// <summary>Runs after all others.</summary>
    public virtual bool IsLast => false;

    /// <summary>Attacks, and tries the control. Leaves the machine usable for the next attack, if it can.</summary>
    internal abstract Task<Observation> RunAsync(AttackSession session);
}

/// <summary>Names of the families.</summary>
public static class AttackFamily
{
    /// <summary>Physical memory through every mapping and size; what is left in it afterwards.</summary>
    public const string Memory = "memory";

    /// <summary>Registers: general, FP/SIMD, debug, PMU, trace.</summary>
    public const string Registers = "registers";

    /// <summary>Birth, exec and end of tasks.</summary>
    public const string Tasks = "tasks";

    /// <summary>Signals and their frames.</summary>
    public const string Signals = "signals";

    /// <summary>Futexes and pipes between tasks of one enclave.</summary>
    public const string Ipc = "ipc";

    /// <summary>A hostile container against monitor, OS and neighbour.</summary>
    public const string Container = "container";

    /// <summary>Interrupts and time: storms and starvation.</summary>
    public const string Interrupts = "interrupts";

    public const string Monitor = "monitor";
    public const string Gate = "gate";
    public const string SharedBuffer = "shared-buffer";
    public const string LyingKernel = "lying-kernel";
    public const string Hypercalls = "hypercalls";
    public const string Power = "power";
    public const string Images = "images";
    public const string Dma = "dma";
}
