namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class FuzzOwn() : FuzzAttack("call-fuzz", "makes 6,000 random hypercalls with enclaves and frames of its own beside the containers", 6000, withVictims: false);
