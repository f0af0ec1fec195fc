using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace BlackBox.Images;

/// <summary>An entry of a tar archive: what its headers say, and where its bytes stand.</summary>
/// <param name="Name">Path as it is written.</param>
/// <param name="Type">Type flag of POSIX.1-1988; '0' for every kind of regular file, sparse ones included.</param>
/// <param name="Link">Target of a link; empty otherwise.</param>
internal sealed record TarItem(string Name, char Type, string Link)
{
    public int Mode { get; init; }

    public int UserId { get; init; }

    public int GroupId { get; init; }

    public int Major { get; init; }

    public int Minor { get; init; }

    /// <summary>Bytes of the file, holes included.</summary>
    public long Length { get; init; }

    /// <summary>What stands in the archive, in order; all else is zeros.</summary>
    public IReadOnlyList<TarSegment> Segments { get; init; } = [];
}

/// <param name="Offset">In the file.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Position">In the archive.</param>
internal readonly record struct TarSegment(long Offset, long Length, long Position);

/// <summary>
/// Reads tar archives: POSIX.1-1988 (ustar), POSIX.1-2001 (pax) and GNU, with long names and sparse files (GNU's old form and the
/// pax forms 0.0, 0.1 and 1.0). Contents are not read, only their places noted.
/// </summary>
internal sealed class TarInput : IDisposable
{
    private const int RecordLength = 512;
    private const int MaximumText = 1 << 20;
    private const int MaximumSegments = 1 << 16;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Stream _stream;
    private readonly long _length;
    private readonly byte[] _header = new byte[RecordLength];
    private readonly List<KeyValuePair<string, string>> _extended = [];
    private string? _longName;
    private string? _longLink;

    public TarInput(ContentSource archive)
    {
        _stream = archive.Open();
        _length = archive.Length;
    }

    public void Dispose() => _stream.Dispose();

    /// <summary>The next entry, null at the end.</summary>
    /// <exception cref="InvalidDataException">Damaged, or of a kind that is not supported.</exception>
    /// <exception cref="EndOfStreamException">Cut off.</exception>
    public TarItem? Next()
    {
        while (TryReadHeader())
        {
            var type = (char)_header[156];
            var size = Number(124, 12);
            switch (type)
            {
                case 'x':
                    ReadExtended(size);
                    break;
                case 'g':
                    Skip(size);
                    break;
                case 'L':
                    _longName = Text(ReadText(size));
                    break;
                case 'K':
                    _longLink = Text(ReadText(size));
                    break;
                default:
                    var item = ReadItem(type, size);
                    _extended.Clear();
                    (_longName, _longLink) = (null, null);
                    return item;
            }
        }

        return _extended.Count == 0 && _longName is null && _longLink is null ? null : throw new EndOfStreamException();
    }

    private bool TryReadHeader()
    {
        var read = _stream.ReadAtLeast(_header, RecordLength, throwOnEndOfStream: false);
        if (read == 0)
        {
            return false;
        }

        if (read < RecordLength)
        {
            throw new EndOfStreamException();
        }

        // Two empty records are the end; one is enough for those who look at the first.
        if (_header.AsSpan().IndexOfAnyExcept((byte)0) < 0)
        {
            return false;
        }

        var sum = 8 * ' ';
        for (var i = 0; i < RecordLength; i++)
        {
            sum += i is >= 148 and < 156 ? 0 : _header[i];
        }

        return Number(148, 8) == sum ? true : throw new InvalidDataException("it is no tar archive, or damaged (a header's checksum is wrong)");
    }

    private TarItem ReadItem(char type, long size)
    {
        var name = Extended("path") ?? _longName ?? HeaderName();
        var link = Extended("linkpath") ?? _longLink ?? Text(Field(157, 100));
        size = Extended("size") is { } given ? Decimal(given) : size;
        var isFile = type is '0' or '\0' or '7' or 'S';
        if (!isFile && type is not (>= '1' and <= '6'))
        {
            throw new InvalidDataException($"'{Printable(name)}': tar entries of type '{Printable(type.ToString())}' are not supported");
        }

        var item = new TarItem(name, isFile ? '0' : type, type is '1' or '2' ? link : "")
        {
            Mode = (int)(Number(100, 8) & 0xFFF),
            UserId = Owner("uid", 108, name),
            GroupId = Owner("gid", 116, name),
            Major = type is '3' or '4' ? (int)Math.Min(Number(329, 8), int.MaxValue) : 0,
            Minor = type is '3' or '4' ? (int)Math.Min(Number(337, 8), int.MaxValue) : 0,
        };
        return isFile ? ReadContent(item, type, size) : item;
    }

    private TarItem ReadContent(TarItem item, char type, long size)
    {
        // Where the content begins is only known once the map of a sparse file is read.
        List<(long Offset, long Length)>? map = null;
        var length = size;
        var end = size;
        if (type == 'S')
        {
            length = Number(483, 12);
            map = ReadOldMap();
        }
        else if (Extended("GNU.sparse.major") is not null || Extended("GNU.sparse.map") is not null || Extended("GNU.sparse.numblocks") is not null)
        {
            item = item with { Name = Extended("GNU.sparse.name") ?? item.Name };
            length = Decimal(Extended("GNU.sparse.realsize") ?? Extended("GNU.sparse.size") ?? throw new InvalidDataException("a sparse file without its size"));
            var before = _stream.Position;
            map = Extended("GNU.sparse.major") == "1" ? ReadMapFromContent(size) : ReadMapFromHeader();
            end = size - (_stream.Position - before);
        }

        var position = _stream.Position;
        if (end < 0 || end > _length - position)
        {
            throw new EndOfStreamException();
        }

        var segments = Segments(map ?? [(0, size)], position, length, end, item.Name);
        Skip(end);
        return item with { Length = length, Segments = segments };
    }

    private static List<TarSegment> Segments(List<(long Offset, long Length)> map, long position, long length, long stored, string name)
    {
        var segments = new List<TarSegment>(map.Count);
        long next = 0, used = 0;
        foreach (var (offset, bytes) in map)
        {
            if (offset < next || bytes < 0 || offset > length - bytes || bytes > stored - used)
            {
                throw new InvalidDataException($"'{Printable(name)}': the map of a sparse file is not valid");
            }

            if (bytes > 0)
            {
                segments.Add(new TarSegment(offset, bytes, position + used));
            }

            (next, used) = (offset + bytes, used + bytes);
        }

        return used == stored ? segments : throw new InvalidDataException($"'{Printable(name)}': the map of a sparse file does not fit its content");
    }

    /// <summary>GNU's old form: four pairs in the header, then 21 in each further record.</summary>
    private List<(long Offset, long Length)> ReadOldMap()
    {
        var map = new List<(long, long)>();
        Take(_header, 386, 4);
        for (var more = _header[482] != 0; more;)
        {
            var record = new byte[RecordLength];
            _stream.ReadExactly(record);
            Take(record, 0, 21);
            more = record[504] != 0;
        }

        return map;

        void Take(byte[] record, int at, int count)
        {
            for (var i = 0; i < count && record[at + (24 * i)] != 0; i++)
            {
                AddSegment(map, Number(record, at + (24 * i), 12), Number(record, at + (24 * i) + 12, 12));
            }
        }
    }

    /// <summary>Form 1.0: decimal numbers in lines before the content, filled up to a whole record.</summary>
    private List<(long Offset, long Length)> ReadMapFromContent(long size)
    {
        var start = _stream.Position;
        var count = Line();
        var map = new List<(long, long)>();
        for (long i = 0; i < count; i++)
        {
            AddSegment(map, Line(), Line());
        }

        _stream.Position = start + ((_stream.Position - start + RecordLength - 1) / RecordLength * RecordLength);
        return map;

        long Line()
        {
            var text = new StringBuilder();
            for (int digit; (digit = _stream.Position - start < size ? _stream.ReadByte() : throw new EndOfStreamException()) != '\n';)
            {
                _ = text.Length < 20 && digit >= 0 ? text.Append((char)digit) : throw new InvalidDataException("the map of a sparse file is not valid");
            }

            return Decimal(text.ToString());
        }
    }

    /// <summary>Forms 0.0 (pairs of records) and 0.1 (one list).</summary>
    private List<(long Offset, long Length)> ReadMapFromHeader()
    {
        var map = new List<(long, long)>();
        var numbers = Extended("GNU.sparse.map") is { } list
            ? list.Split(',', StringSplitOptions.RemoveEmptyEntries)
            : [.. _extended.Where(pair => pair.Key is "GNU.sparse.offset" or "GNU.sparse.numbytes").Select(pair => pair.Value)];
        if (numbers.Length % 2 != 0)
        {
            throw new InvalidDataException("the map of a sparse file is not valid");
        }

        for (var i = 0; i < numbers.Length; i += 2)
        {
            AddSegment(map, Decimal(numbers[i]), Decimal(numbers[i + 1]));
        }

        return map;
    }

    private static void AddSegment(List<(long Offset, long Length)> map, long offset, long length)
    {
        if (map.Count == MaximumSegments)
        {
            throw new InvalidDataException("a sparse file has too many parts");
        }

        map.Add((offset, length));
    }

    /// <summary>Records of "length key=value\n", where the length counts itself.</summary>
    private void ReadExtended(long size)
    {
        ReadOnlySpan<byte> bytes = ReadText(size);
        while (!bytes.IsEmpty)
        {
            var space = bytes[..Math.Min(bytes.Length, 20)].IndexOf((byte)' ');
            var length = space > 0 ? Decimal(Encoding.ASCII.GetString(bytes[..space])) : 0;
            if (length <= space + 1 || length > bytes.Length || bytes[(int)length - 1] != '\n')
            {
                throw new InvalidDataException("an extended header is damaged");
            }

            var record = bytes[(space + 1)..((int)length - 1)];
            var split = record.IndexOf((byte)'=');
            if (split <= 0)
            {
                throw new InvalidDataException("an extended header is damaged");
            }

            // Attributes and comments need not be UTF-8; what is used must.
            var key = Encoding.Latin1.GetString(record[..split]);
            if (key is "path" or "linkpath" or "size" or "uid" or "gid" || key.StartsWith("GNU.sparse.", StringComparison.Ordinal))
            {
                _extended.Add(new(key, Text(record[(split + 1)..])));
            }

            bytes = bytes[(int)length..];
        }
    }

    private string? Extended(string key) => _extended.FindLast(pair => pair.Key == key).Value;

    private string HeaderName()
    {
        var name = Text(Field(0, 100));
        var isPosix = _header.AsSpan(257, 6).SequenceEqual("ustar\0"u8);
        return isPosix && Text(Field(345, 155)) is { Length: > 0 } prefix ? prefix + "/" + name : name;
    }

    private int Owner(string key, int offset, string name)
    {
        var owner = Extended(key) is { } text ? Decimal(text) : Number(offset, 8);
        return owner <= int.MaxValue ? (int)owner : throw new InvalidDataException($"'{Printable(name)}': its owner is out of range");
    }

    private byte[] ReadText(long size)
    {
        if (size > MaximumText)
        {
            throw new InvalidDataException("an extended header is too long");
        }

        var bytes = new byte[size];
        _stream.ReadExactly(bytes);
        SkipPadding(size);
        return bytes;
    }

    private void Skip(long size)
    {
        if (size > _length - _stream.Position)
        {
            throw new EndOfStreamException();
        }

        _stream.Position += size;
        SkipPadding(size);
    }

    private void SkipPadding(long size) => _stream.Position = Math.Min(_length, _stream.Position + ((RecordLength - (size % RecordLength)) % RecordLength));

    private ReadOnlySpan<byte> Field(int offset, int length)
    {
        var field = _header.AsSpan(offset, length);
        var end = field.IndexOf((byte)0);
        return end < 0 ? field : field[..end];
    }

    private long Number(int offset, int length) => Number(_header, offset, length);

    /// <summary>Octal digits, or GNU's big-endian numbers, whose first bit is set.</summary>
    private static long Number(byte[] record, int offset, int length)
    {
        var field = record.AsSpan(offset, length);
        if ((field[0] & 0x80) != 0)
        {
            Span<byte> number = stackalloc byte[12];
            number.Clear();
            field.CopyTo(number[(12 - length)..]);
            number[12 - length] &= 0x7F;
            var value = BinaryPrimitives.ReadInt64BigEndian(number[4..]);
            return number[..4].IndexOfAnyExcept((byte)0) < 0 && value >= 0 ? value : throw new InvalidDataException("a number in a header is out of range");
        }

        var end = field.IndexOf((byte)0);
        var digits = Encoding.Latin1.GetString(end < 0 ? field : field[..end]).Trim(' ');
        return digits.Length == 0 ? 0
            : digits.All(digit => digit is >= '0' and <= '7') ? Convert.ToInt64(digits, 8)
            : throw new InvalidDataException("a number in a header is none");
    }

    private static long Decimal(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
        ? value : throw new InvalidDataException("a number in an extended header is none");

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        try
        {
            return Utf8.GetString(end < 0 ? bytes : bytes[..end]);
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidDataException($"'{Printable(Encoding.Latin1.GetString(bytes))}': the name is not UTF-8", error);
        }
    }

    internal static string Printable(string text)
    {
        var builder = new StringBuilder();
        foreach (var letter in text.Take(200))
        {
            _ = builder.Append(char.IsControl(letter) ? '?' : letter);
        }

        return builder.ToString();
    }
}
