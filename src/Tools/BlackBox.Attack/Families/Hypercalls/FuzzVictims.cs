namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class FuzzVictims() : FuzzAttack("call-fuzz-victims", "makes 6,000 random hypercalls, with the handles of a container among them", 6000, withVictims: true);
