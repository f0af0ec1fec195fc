namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class SocketRead() : PipeAttack("ipc-socketpair-read", "does the same with a pair of sockets: reads", "the unprotected program's sockets are read so", 'k', "read");
