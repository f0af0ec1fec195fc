namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class WildRead() : WildMemory("container-read-foreign", "reads memory of the monitor, the OS, devices and another container from EL1", 'r');
