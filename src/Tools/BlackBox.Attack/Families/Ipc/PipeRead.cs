namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class PipeRead() : PipeAttack("ipc-pipe-read", "takes the reading end of a pipe out of the container's process and reads the secret that one task sends to another", "the unprotected program's pipe is read so", 'p', "read");
