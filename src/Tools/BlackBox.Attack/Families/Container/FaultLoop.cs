namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class FaultLoop() : Stubborn("container-fault-loop", "takes exceptions at EL1 whose vector faults itself, for ever", 'f');
