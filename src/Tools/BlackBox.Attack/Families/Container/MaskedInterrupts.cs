namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class MaskedInterrupts() : Stubborn("container-mask-interrupts", "masks all exceptions at EL1 and waits for ever", 'm');
