namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class WildTables() : WildMemory("container-tables-foreign", "uses page tables of its own that stand there", 't');
