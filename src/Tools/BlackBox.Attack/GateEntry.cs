namespace BlackBox.Attacks;

/// <summary>What entries to the gate from the attacker's own process tell.</summary>
internal static class GateEntry
{
    private const int Segv = 11;
    private const int Alarm = 14;

    /// <summary>How many of the attacker's threads carried a container's task: until the alarm, or until the task asked for a page of the
    /// container's process that the attacker's does not have.</summary>
    public static int CountEntered(this HostileAnswer answer)
    {
        var entered = 0;
        var places = answer.Values("address").Zip(answer.Values("pc")).ToList();
        var signals = answer.Values("signal");
        for (var i = 0; i < signals.Count; i++)
        {
            var isOutsideGate = i < places.Count && places[i].First >> 12 != places[i].Second >> 12;
            entered += signals[i] == Alarm || (signals[i] == Segv && isOutsideGate) ? 1 : 0;
        }

        return entered;
    }
}
