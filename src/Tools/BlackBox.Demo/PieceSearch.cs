using System.Buffers.Binary;

namespace BlackBox.Demo;

/// <summary>
/// Looks for a secret in memory: for all of it, and for every 16 bytes in a row of it. Pieces that lie behind one another
/// as in the secret count as one place. Bytes can be fed in parts; a place that crosses from one part into the next is
/// found when both belong together (<see cref="Feed"/>).
/// </summary>
public sealed class PieceSearch
{
    /// <summary>Bytes of a piece. Sixteen random bytes do not occur by chance.</summary>
    public const int PieceLength = 16;

    private readonly byte[] _secret;
    private readonly Dictionary<ulong, List<int>> _pieces = [];
    private readonly ulong[] _beginnings = new ulong[65536 / 64];
    private readonly byte[] _tail = new byte[PieceLength - 1];
    private readonly byte[] _seam = new byte[2 * (PieceLength - 1)];
    private int _tailLength;
    private long _position;
    private long _lastAt = long.MinValue;
    private int _lastPiece;

    /// <param name="secret">16 bytes or more.</param>
    public PieceSearch(ReadOnlySpan<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(secret.Length, PieceLength);
        _secret = secret.ToArray();
        for (var i = 0; i + PieceLength <= _secret.Length; i++)
        {
            var beginning = BinaryPrimitives.ReadUInt16LittleEndian(_secret.AsSpan(i));
            _beginnings[beginning >> 6] |= 1UL << (beginning & 63);
            var key = BinaryPrimitives.ReadUInt64LittleEndian(_secret.AsSpan(i));
            if (!_pieces.TryGetValue(key, out var list))
            {
                _pieces[key] = list = [];
            }

            list.Add(i);
        }
    }

    /// <summary>Places found so far.</summary>
    public int Hits { get; private set; }

    /// <summary>Bytes looked through so far.</summary>
    public long Length => _position;

    /// <summary>Looks through the next bytes, which follow those before them in memory.</summary>
    public void Feed(ReadOnlySpan<byte> bytes)
    {
        // Pieces that begin in the last bytes of the part before.
        if (_tailLength > 0)
        {
            var head = bytes[..Math.Min(bytes.Length, PieceLength - 1)];
            _tail.AsSpan(0, _tailLength).CopyTo(_seam);
            head.CopyTo(_seam.AsSpan(_tailLength));
            Scan(_seam.AsSpan(0, _tailLength + head.Length), _position - _tailLength);
        }

        Scan(bytes, _position);
        _position += bytes.Length;
        Keep(bytes);
    }

    /// <summary>What comes next does not follow what came before.</summary>
    public void Break()
    {
        _tailLength = 0;
        _position += PieceLength;
    }

    private void Scan(ReadOnlySpan<byte> bytes, long position)
    {
        for (var i = 0; i + PieceLength <= bytes.Length; i++)
        {
            var beginning = BinaryPrimitives.ReadUInt16LittleEndian(bytes[i..]);
            if ((_beginnings[beginning >> 6] & (1UL << (beginning & 63))) != 0)
            {
                Compare(bytes[i..], position + i);
            }
        }
    }

    private void Compare(ReadOnlySpan<byte> bytes, long position)
    {
        if (!_pieces.TryGetValue(BinaryPrimitives.ReadUInt64LittleEndian(bytes), out var candidates))
        {
            return;
        }

        foreach (var piece in candidates)
        {
            if (!bytes[..PieceLength].SequenceEqual(_secret.AsSpan(piece, PieceLength)))
            {
                continue;
            }

            // The next piece of the same copy, one byte further.
            if (position != _lastAt + 1 || piece != _lastPiece + 1)
            {
                Hits++;
            }

            (_lastAt, _lastPiece) = (position, piece);
            return;
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= _tail.Length)
        {
            bytes[^_tail.Length..].CopyTo(_tail);
            _tailLength = _tail.Length;
            return;
        }

        // A short part: the end of what was kept, and all of it.
        var kept = Math.Min(_tailLength, _tail.Length - bytes.Length);
        _tail.AsSpan(_tailLength - kept, kept).CopyTo(_tail);
        bytes.CopyTo(_tail.AsSpan(kept));
        _tailLength = kept + bytes.Length;
    }
}
