namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class WildJump() : WildMemory("container-execute-foreign", "jumps there", 'x');
