namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ResetRemains() : RemainsAttack("power-reset-remains", "calls SYSTEM_RESET while the container computes, and searches all of RAM, the monitor's as well", 0x8400_0009);
