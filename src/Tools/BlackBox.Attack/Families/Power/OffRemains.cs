namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class OffRemains() : RemainsAttack("power-off-remains", "calls SYSTEM_OFF while the container computes, and searches all of RAM, the monitor's as well", 0x8400_0008);
