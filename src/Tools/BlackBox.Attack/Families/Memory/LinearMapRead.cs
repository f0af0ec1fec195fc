namespace BlackBox.Attacks;

/// <summary>All RAM by the kernel's linear map.</summary>
internal sealed class LinearMapRead() : ScanAttack(
    "memory-read-linear-map", "searches all RAM of the OS for the victim's secret through the kernel's linear map", MappingMethod.Linear);
