namespace BlackBox.Shield;

/// <summary>How the program came into the shield (Start/Vectors.S).</summary>
internal enum EntryKind : ulong
{
    Synchronous = 0,

    /// <summary>The virtual interrupt: the monitor has an event.</summary>
    Interrupt = 1,

    /// <summary>FIQ or SError.</summary>
    Other = 2,
}
