namespace BlackBox.Attacks;

/// <summary>Registers that are not the container's.</summary>
internal sealed class SystemRegisters() : EvilAttack(
    "container-system-registers", "writes debug, PMU, timer, interrupt-controller and EL2 registers, set/way maintenance and TLB invalidations of others from EL1",
    "the same code does write registers that are its own", AttackOutcome.Harmless)
{
    private const int Tried = 35;

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var plain = await session.PlainAsync();
        var started = await guard.AskAsync('S');
        var (said, ended) = await ActAsync(session, 's', 0, 30);
        var refused = Said(said, "registers");

        // The OS's timers, interrupts and CPUs are as before.
        var os = await session.TryShellAsync("sleep 1; a=$(cut -d' ' -f1 /proc/uptime); sleep 1; b=$(cut -d' ' -f1 /proc/uptime); echo $a $b; cat /sys/devices/system/cpu/online");
        var intact = (await guard.AskAsync('v'), await plain.AskAsync('c'), await plain.AskAsync('v'));
        var isWhole = intact is ("intact", "calls 300 errors 0", "intact") && os.Contains("0-1", StringComparison.Ordinal);
        return new Observation(started == "spinning" && refused is > 0 and < Tried, isWhole ? AttackOutcome.Harmless : AttackOutcome.SilentChange,
            $"{refused} of {Tried} refused, the others its own; then {ended}; neighbour and OS: {intact}, {os.Trim().ReplaceLineEndings(" ")}");
    }
}
