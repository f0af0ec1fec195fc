using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using BlackBox.Cryptography;

namespace BlackBox.Shield;

/// <summary>
/// The signed list of everything in the image, by path. Only the digests of its pages are read at the start; a page is fetched from the
/// OS, checked against its digest and kept when it is first looked at, so that a large table costs what is used of it.
/// </summary>
internal static class FileTable
{
    /// <summary>The path has no record.</summary>
    public const int NotListed = -1;

    /// <summary>A page of the table does not verify or cannot be read: reported.</summary>
    public const int Damaged = -2;

    private const int PageBytes = FrameAddress.Size;
    internal const int HeaderBytes = 128;
    private const uint Version = 2;

    /// <summary>Probes that trust in the even spread of the hashes; then the search halves.</summary>
    private const int Guesses = 6;

    private static OsFile file;

    /// <summary>SHA-256 of each page.</summary>
    private static PrivateBlock digests;

    /// <summary>Address of each page's frame, 0: not fetched yet.</summary>
    private static PrivateBlock frames;
    private static ulong length;
    private static int count;
    private static ulong stringsOffset;
    private static ulong stringsLength;

    private static ReadOnlySpan<byte> Magic => "BBXFILES"u8;

    private static ReadOnlySpan<byte> Path => "/.blackbox/files"u8;

    /// <summary>Records; 0: there is no image (before the start, and in tests of other parts).</summary>
    public static int Count => count;

    /// <summary>Time stamp of all files in seconds since 1970.</summary>
    public static ulong Time { get; private set; }

    /// <summary>Pages fetched so far.</summary>
    public static int PagesFetched { get; private set; }

    /// <summary>Bytes of the page digests that follow a table of <paramref name="tableLength"/> bytes.</summary>
    public static ulong DigestBytes(ulong tableLength) => (tableLength + PageBytes - 1) / PageBytes * Digest32.Length;

    /// <summary>
    /// Takes a table whose page digests are verified already; reads its first page. False: no memory, or the table is not well-formed.
    /// </summary>
    /// <param name="thread">The calling thread.</param>
    /// <param name="source">The OS's file, kept open.</param>
    /// <param name="pageDigests">The verified digests, taken over.</param>
    /// <param name="tableLength">Bytes of the table, as signed.</param>
    public static bool TryStart(ref Thread thread, in OsFile source, in PrivateBlock pageDigests, ulong tableLength)
    {
        Reset();
        file = source;
        digests = pageDigests;
        int pages = digests.Length / Digest32.Length;
        if (tableLength < HeaderBytes || !PrivateBlock.TryAllocate(ref thread, pages * sizeof(ulong), out frames))
        {
            return false;
        }

        // A block may have been used before.
        frames.Bytes.Clear();
        length = tableLength;
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (!TryCopy(ref thread, 0, header))
        {
            return false;
        }

        return TryTakeHeader(header, tableLength);
    }

    /// <summary>Counts and places from the table's first bytes. False: not well-formed.</summary>
    internal static bool TryTakeHeader(ReadOnlySpan<byte> header, ulong tableLength)
    {
        length = tableLength;
        ulong records = BinaryPrimitives.ReadUInt64LittleEndian(header[16..]);
        stringsOffset = BinaryPrimitives.ReadUInt64LittleEndian(header[24..]);
        stringsLength = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
        Time = BinaryPrimitives.ReadUInt64LittleEndian(header[40..]);
        if (!header[..8].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) != Version
            || BinaryPrimitives.ReadUInt32LittleEndian(header[12..]) != FileRecord.Size
            || records > (length - HeaderBytes) / FileRecord.Size || stringsOffset != HeaderBytes + (records * FileRecord.Size)
            || stringsLength != length - stringsOffset || Time > uint.MaxValue || header[48..HeaderBytes].IndexOfAnyExcept((byte)0) >= 0)
        {
            return false;
        }

        count = (int)records;
        return true;
    }

    /// <summary>A record that <see cref="Find"/> gave: its page is there and stays.</summary>
    public static ref readonly FileRecord Record(int index) => ref MemoryMarshal.AsRef<FileRecord>(RecordBytes(index));

    public static ReadOnlySpan<byte> Hash(int index) => RecordBytes(index)[..Digest32.Length];

    /// <summary>Record of a normalised absolute path, <see cref="NotListed"/> or <see cref="Damaged"/>. May call the OS.</summary>
    public static int Find(ref Thread thread, ReadOnlySpan<byte> path)
    {
        Span<byte> hash = stackalloc byte[Digest32.Length];
        Sha256.Hash(path, hash);
        ulong key = BinaryPrimitives.ReadUInt32BigEndian(hash);
        int low = 0;
        int high = count - 1;
        ulong lowKey = 0;
        ulong highKey = uint.MaxValue;
        for (int probe = 0; low <= high; probe++)
        {
            // Hashes are spread evenly: where one would stand is known within a page or two.
            int middle = probe < Guesses && key >= lowKey && key <= highKey
                ? low + (int)((key - lowKey) * (ulong)(high - low) / (highKey - lowKey + 1))
                : low + ((high - low) / 2);
            if (!TryFetch(ref thread, PageOf(middle)))
            {
                return Damaged;
            }

            ReadOnlySpan<byte> found = Hash(middle);
            int order = Compare(hash, found);
            if (order == 0)
            {
                return IsWellFormed(Record(middle)) ? middle : Damaged;
            }

            if (order < 0)
            {
                high = middle - 1;
                highKey = BinaryPrimitives.ReadUInt32BigEndian(found);
            }
            else
            {
                low = middle + 1;
                lowKey = BinaryPrimitives.ReadUInt32BigEndian(found);
            }
        }

        return NotListed;
    }

    /// <summary>Copies from the string area: targets of links, names in directories. May call the OS. False: damaged, or not in the area.</summary>
    public static bool TryCopyStrings(ref Thread thread, ulong offset, Span<byte> to) =>
        offset <= stringsLength && (ulong)to.Length <= stringsLength - offset && TryCopy(ref thread, stringsOffset + offset, to);

    internal static void Reset()
    {
        count = 0;
        length = 0;
        Time = 0;
        PagesFetched = 0;
        digests = default;
        frames = default;
        file = default;
    }

    private static int PageOf(int index) => (HeaderBytes + (index * FileRecord.Size)) / PageBytes;

    private static Span<ulong> FrameList => MemoryMarshal.Cast<byte, ulong>(frames.Bytes);

    private static ReadOnlySpan<byte> RecordBytes(int index)
    {
        // A record never crosses the end of a page.
        int offset = (HeaderBytes + (index * FileRecord.Size)) % PageBytes;
        return Hardware.Memory(FrameList[PageOf(index)], PageBytes).Slice(offset, FileRecord.Size);
    }

    private static bool TryCopy(ref Thread thread, ulong at, Span<byte> to)
    {
        while (to.Length > 0)
        {
            int page = (int)(at / PageBytes);
            int offset = (int)(at % PageBytes);
            if (!TryFetch(ref thread, page))
            {
                return false;
            }

            int step = Math.Min(to.Length, PageBytes - offset);
            Hardware.Memory(FrameList[page], PageBytes).Slice(offset, step).CopyTo(to);
            to = to[step..];
            at += (ulong)step;
        }

        return true;
    }

    /// <summary>Has a page in private memory, verified. Calls the OS if it was not there.</summary>
    private static bool TryFetch(ref Thread thread, int page)
    {
        if (FrameList[page] != 0)
        {
            return true;
        }

        if (!Frames.Reserve(ref thread, 1) || !Frames.TryAllocate(out FrameAddress frame))
        {
            return false;
        }

        ulong at = (ulong)page * PageBytes;
        Span<byte> bytes = Frames.Bytes(frame)[..(int)Math.Min(PageBytes, length - at)];
        bool read = file.TryRead(ref thread, at, bytes);
        Span<byte> digest = stackalloc byte[Sha256.Length];
        Sha256.Hash(bytes, digest);
        if (read && FrameList[page] == 0 && digest.SequenceEqual(digests.Bytes.Slice(page * Digest32.Length, Digest32.Length)))
        {
            FrameList[page] = frame.Value;
            PagesFetched++;
            return true;
        }

        // Another thread may have come first while the OS read.
        Frames.Free(frame);
        if (FrameList[page] != 0)
        {
            return true;
        }

        if (!thread.Dying)
        {
            ProtectedImage.Report(Path, read ? "a page has been altered"u8 : "a page cannot be read"u8);
        }

        return false;
    }

    private static int Compare(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        for (int i = 0; i < Digest32.Length; i++)
        {
            if (left[i] != right[i])
            {
                return left[i] - right[i];
            }
        }

        return 0;
    }

    /// <summary>What even a signed record must be, so that no arithmetic goes wrong.</summary>
    internal static bool IsWellFormed(in FileRecord record)
    {
        if (!record.IsFile)
        {
            return record.Flags is FileRecordFlags.Link or FileRecordFlags.Directory
                && record.Offset <= stringsLength && record.Length <= stringsLength - record.Offset
                && (!record.IsLink || record.Length is > 0 and <= Paths.Longest);
        }

        // Code that is not encrypted could be read by anybody, and none is both program and script.
        return record.Length <= 1UL << 40 && record.Offset <= 1UL << 40
            && (!record.HasMagic || (record.IsProtected && record.Length >= sizeof(uint)))
            && !(record.IsCode && record.IsScript);
    }
}
