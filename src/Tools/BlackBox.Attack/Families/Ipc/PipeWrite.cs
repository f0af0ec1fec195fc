namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class PipeWrite() : PipeAttack("ipc-pipe-write", "takes the writing end of a pipe out of the container's process and adds words of its own", "the unprotected program takes them for its own", 'p', "write");
