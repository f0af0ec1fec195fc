namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class UnlimitedMemory() : HugeMemory("container-huge-memory", "uses memory until there is no more of it, in a container without a limit", 0);
