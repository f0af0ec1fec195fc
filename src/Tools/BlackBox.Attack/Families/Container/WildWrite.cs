namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class WildWrite() : WildMemory("container-write-foreign", "writes there", 'w');
