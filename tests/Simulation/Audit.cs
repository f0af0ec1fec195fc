namespace BlackBox.Monitor;

/// <summary>What a boot makes of the monitor's own variables, where a test boots many machines in one process.</summary>
public static partial class Audit
{
    /// <summary>As after a boot. A run must not depend on the runs before it.</summary>
    public static void Reset()
    {
        _lock = 0;
        _budget = 0;
        _period = 0;
        _suppressed = 0;
    }
}
