using System.Formats.Cbor;

namespace BlackBox.Attestation;

/// <summary>Reads a CBOR map of known claims: deterministic encoding, each claim once, in order, none unknown.</summary>
internal sealed class ClaimReader
{
    private readonly CborReader _reader;
    private readonly string _what;
    private int _left;

    /// <exception cref="EvidenceFormatException">No map of this size.</exception>
    public ClaimReader(ReadOnlyMemory<byte> data, string what, int least, int most)
    {
        _reader = new CborReader(data, CborConformanceMode.Canonical);
        _what = what;
        _left = Guard(() => _reader.ReadStartMap()) ?? -1;
        if (_left < least || _left > most)
        {
            throw new EvidenceFormatException($"{what}: {_left} claims instead of {least}{(least == most ? "" : $" to {most}")}");
        }
    }

    /// <summary>Claims not read yet.</summary>
    public int Left => _left;

    public byte[] Bytes(long claim, int least, int most)
    {
        Key(claim);
        var value = Guard(() => _reader.ReadByteString());
        return value.Length >= least && value.Length <= most ? value
            : throw new EvidenceFormatException($"{_what}: claim {claim} has {value.Length} bytes");
    }

    public byte[] Bytes(long claim, int length) => Bytes(claim, length, length);

    public ulong Number(long claim)
    {
        Key(claim);
        return Guard(() => _reader.ReadUInt64());
    }

    public bool Boolean(long claim)
    {
        Key(claim);
        return Guard(() => _reader.ReadBoolean());
    }

    public string Text(long claim)
    {
        Key(claim);
        return Guard(() => _reader.ReadTextString());
    }

    /// <exception cref="EvidenceFormatException">There is more.</exception>
    public void End()
    {
        Guard(() =>
        {
            _reader.ReadEndMap();
            return 0;
        });
        if (_reader.BytesRemaining > 0)
        {
            throw new EvidenceFormatException($"{_what}: bytes behind its end");
        }
    }

    private void Key(long claim)
    {
        _left--;
        var key = Guard(() => _reader.ReadInt64());
        if (key != claim)
        {
            throw new EvidenceFormatException($"{_what}: claim {key} where {claim} should stand");
        }
    }

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is CborContentException or InvalidOperationException or OverflowException)
        {
            throw new EvidenceFormatException($"{_what}: {error.Message}", error);
        }
    }
}
