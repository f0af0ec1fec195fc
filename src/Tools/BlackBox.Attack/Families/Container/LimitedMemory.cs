namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class LimitedMemory() : HugeMemory("container-limited-memory", "uses memory beyond the limit of its cgroup", 120);
