using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>A piece of a path that is kept; longer paths are chains of them.</summary>
internal struct StoredPath
{
    public const int PieceBytes = 112;

    public Handle<StoredPath> Next;
    public int Length;
    public Text Bytes;

    [InlineArray(PieceBytes)]
    public struct Text
    {
        private byte first;
    }
}

/// <summary>Paths that directories and working directories keep.</summary>
internal static class StoredPaths
{
    /// <summary>Keeps a copy. False: no memory.</summary>
    public static bool TryStore(ReadOnlySpan<byte> path, out Handle<StoredPath> stored)
    {
        stored = default;

        // From the end to the front, so that each piece can name the next.
        int pieces = Math.Max(1, (path.Length + StoredPath.PieceBytes - 1) / StoredPath.PieceBytes);
        for (int i = pieces - 1; i >= 0; i--)
        {
            if (!Pool<StoredPath>.TryAdd(out Handle<StoredPath> handle))
            {
                Free(stored);
                stored = default;
                return false;
            }

            ref StoredPath piece = ref Pool<StoredPath>.Get(handle);
            int start = i * StoredPath.PieceBytes;
            piece.Length = Math.Min(StoredPath.PieceBytes, path.Length - start);
            piece.Next = stored;
            path.Slice(start, piece.Length).CopyTo(piece.Bytes);
            stored = handle;
        }

        return true;
    }

    /// <summary>Copies the path; returns its length, or -1 if there is no room.</summary>
    public static int CopyTo(Handle<StoredPath> stored, Span<byte> to)
    {
        int done = 0;
        while (!stored.IsNull)
        {
            ref StoredPath piece = ref Pool<StoredPath>.Get(stored);
            if (piece.Length > to.Length - done)
            {
                return -1;
            }

            ((ReadOnlySpan<byte>)piece.Bytes)[..piece.Length].CopyTo(to[done..]);
            done += piece.Length;
            stored = piece.Next;
        }

        return done;
    }

    public static void Free(Handle<StoredPath> stored)
    {
        while (!stored.IsNull)
        {
            Handle<StoredPath> next = Pool<StoredPath>.Get(stored).Next;
            Pool<StoredPath>.Free(stored);
            stored = next;
        }
    }
}
