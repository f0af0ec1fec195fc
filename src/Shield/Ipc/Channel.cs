using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>What a channel carries.</summary>
internal enum ChannelKind
{
    /// <summary>Bytes, through a pipe of Linux.</summary>
    Pipe,

    /// <summary>Bytes, through a stream socket.</summary>
    Stream,

    /// <summary>Messages, through a datagram or sequenced-packet socket.</summary>
    Messages,
}

/// <summary>
/// One direction of a pipe or socketpair. The bytes stand in the queue, in private memory; Linux's pipe or socket carries as many
/// bytes without meaning (tokens), so that blocking, readiness and ends are Linux's. Linux's ends never block: a call of the
/// program that may block waits in ppoll and tries again. So nobody is between queue and Linux for longer than one such call takes, and
/// there is at most one writer, and at most one reader, there at a time.
/// <para>What holds whenever nobody is in between: bytes in the queue = tokens in Linux's pipe or socket.</para>
/// </summary>
internal struct Channel
{
    public ChannelKind Kind;

    /// <summary>Open files that take from it, and that put into it.</summary>
    public int Readers;

    /// <summary>See <see cref="Readers"/>.</summary>
    public int Writers;

    /// <summary>A thread is between the queue and Linux, as writer or reader.</summary>
    public bool Writing;

    /// <summary>See <see cref="Writing"/>.</summary>
    public bool Reading;

    /// <summary>The OS has answered what cannot be: nothing can be trusted to be complete any more, every use is EIO.</summary>
    public bool Broken;

    /// <summary>Bytes at the end of the queue of which a killed writer did not learn how many Linux took.</summary>
    public long UncertainTail;

    /// <summary>Bytes at the front of the queue of which a killed reader did not learn how many it got.</summary>
    public long UncertainHead;

    /// <summary>Stream: the bytes.</summary>
    public ByteQueue Queue;

    /// <summary>Stream: bytes ever put in and taken out, the scale for <see cref="FirstMark"/>.</summary>
    public ulong Put;

    /// <summary>See <see cref="Put"/>.</summary>
    public ulong Taken;

    /// <summary>Stream: descriptors that travel with a byte.</summary>
    public Handle<Message> FirstMark;

    /// <summary>See <see cref="FirstMark"/>.</summary>
    public Handle<Message> LastMark;

    /// <summary>Messages in order.</summary>
    public Handle<Message> FirstMessage;

    /// <summary>See <see cref="FirstMessage"/>.</summary>
    public Handle<Message> LastMessage;

    /// <summary>Number of the latest message.</summary>
    public ulong Sequence;
}

/// <summary>A message in a channel; in a stream, the place where descriptors travel.</summary>
internal struct Message
{
    public Handle<Message> Next;
    public ByteQueue Data;
    public int Length;

    /// <summary>Number of the message, of which Linux's token holds as many bytes as fit; in a stream, position of the byte.</summary>
    public ulong Number;

    /// <summary>A killed thread did not learn whether Linux took it, or whether it had been received.</summary>
    public bool Uncertain;

    /// <summary>Open files under way; null if there are none.</summary>
    public Handle<PassedFiles> Files;
}

/// <summary>Open files that travel with a message (SCM_RIGHTS).</summary>
internal struct PassedFiles
{
    /// <summary>SCM_MAX_FD.</summary>
    public const int Most = 253;

    public int Count;
    public Items Files;

    [InlineArray(Most)]
    public struct Items
    {
        private Handle<OpenFile> first;
    }

    public static void Free(Handle<PassedFiles> handle)
    {
        if (handle.IsNull)
        {
            return;
        }

        // Releasing a file may end a channel with messages of its own: the entry is gone before.
        PassedFiles gone = Pool<PassedFiles>.Get(handle);
        Pool<PassedFiles>.Free(handle);
        for (int i = 0; i < gone.Count; i++)
        {
            OpenFiles.Release(gone.Files[i]);
        }
    }
}
