namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class SocketWrite() : PipeAttack("ipc-socketpair-write", "does the same with a pair of sockets: writes", "the unprotected program takes the words for its own", 'k', "write");
