namespace BlackBox.Attacks;

/// <summary>All RAM by memremap, cached.</summary>
internal sealed class MemremapRead() : ScanAttack(
    "memory-read-memremap", "searches all RAM of the OS for the victim's secret through memremap, cached", MappingMethod.Memremap);
