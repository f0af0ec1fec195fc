using System.Security.Cryptography;
using BlackBox.Hosting;

namespace BlackBox.Images;

/// <summary>
/// The two passes over all files of an image, on all cores: the digest of each file, and the tags of its blocks. Memory is that of
/// a few blocks for each core, whatever the size of the image.
/// </summary>
internal sealed class FileWork(IProgress<StepUpdate> progress, CancellationToken cancellation)
{
    private const string HashStep = "Reading files";
    private const string EncryptStep = "Encrypting";

    /// <summary>Blocks of a file that one core takes at once: 1 MiB.</summary>
    private const int PieceBlocks = 256;

    private readonly ParallelOptions _parallel = new() { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };

    /// <summary>SHA-256 of every regular file.</summary>
    public IReadOnlyDictionary<RootPath, byte[]> Hash(RootFilesystem root)
    {
        var files = root.Entries.Where(entry => entry.Kind == RootEntryKind.RegularFile).ToList();
        var digests = new byte[files.Count][];
        var meter = new Meter(HashStep, root.TotalLength, progress);
        Run(files.Count, i =>
        {
            using var stream = files[i].Content!.Open();
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = Buffer();
            for (var left = files[i].Length; left > 0;)
            {
                cancellation.ThrowIfCancellationRequested();
                var part = buffer.AsSpan(0, (int)Math.Min(left, buffer.Length));
                stream.ReadExactly(part);
                hash.AppendData(part);
                left -= part.Length;
                meter.Add(part.Length, files[i].Path);
            }

            digests[i] = hash.GetHashAndReset();
        });
        meter.Finish($"{files.Count} files");
        return files.Zip(digests).ToDictionary(pair => pair.First.Path, pair => pair.Second);
    }

    /// <summary>Makes the tags of all blocks, and with them fills digest and head of the records of regular files.</summary>
    /// <returns>The content of /.blackbox/tags.</returns>
    public ContentSource Encrypt(IReadOnlyList<TableEntry> entries, FileRecord[] records, byte[] contentKey, long tagsLength)
    {
        var tags = new ScratchContent(tagsLength);
        var pieces = new List<(int Record, long Block)>();
        for (var i = 0; i < records.Length; i++)
        {
            for (long block = 0; records[i].IsFile && block < ImageFormat.BlockCount(records[i].Size); block += PieceBlocks)
            {
                pieces.Add((i, block));
            }
        }

        var heads = new byte[]?[records.Length];
        var meter = new Meter(EncryptStep, records.Where(record => record.IsFile).Sum(record => record.Size), progress);
        Run(pieces.Count, i =>
        {
            var (number, block) = pieces[i];
            cancellation.ThrowIfCancellationRequested();
            EncryptPiece(entries[number].Entry, records[number], block, contentKey, tags, ref heads[number]);
            meter.Add(Math.Min(records[number].Size - (block * ImageFormat.BlockLength), (long)PieceBlocks * ImageFormat.BlockLength), entries[number].Entry.Path);
        });
        Run(records.Length, i =>
        {
            if (records[i].IsFile)
            {
                records[i] = records[i] with { TagsDigest = Digest(tags, records[i]), Head = heads[i] ?? new byte[4] };
            }
        });
        meter.Finish($"{records.Count(record => record.IsProtected)} files");
        return tags;
    }

    private static void EncryptPiece(RootEntry entry, FileRecord record, long first, byte[] contentKey, ScratchContent tags, ref byte[]? head)
    {
        using var cipher = new ContentCipher(contentKey, record);
        using var plain = entry.Content!.Open();
        plain.Position = first * ImageFormat.BlockLength;
        var buffer = Buffer();
        Span<byte> output = stackalloc byte[ImageFormat.BlockLength];
        var last = Math.Min(first + PieceBlocks, ImageFormat.BlockCount(record.Size));
        var made = new byte[(last - first) * ImageFormat.TagLength];
        var length = (int)(Math.Min(record.Size, last * ImageFormat.BlockLength) - (first * ImageFormat.BlockLength));
        plain.ReadExactly(buffer, 0, length);
        for (var block = first; block < last; block++)
        {
            var at = (int)(block - first) * ImageFormat.BlockLength;
            var size = Math.Min(ImageFormat.BlockLength, length - at);
            cipher.Encrypt(block, buffer.AsSpan(at, size), output[..size], made.AsSpan((int)(block - first) * ImageFormat.TagLength, ImageFormat.TagLength));
            if (block == 0 && record.HasMagic)
            {
                head = output[..ImageFormat.Magic.Length].ToArray();
            }
        }

        tags.Write(record.TagsOffset + (first * ImageFormat.TagLength), made);
    }

    private static byte[] Digest(ScratchContent tags, FileRecord record)
    {
        using var stream = new SliceStream(tags.Open(), record.TagsOffset, record.TagsLength);
        return SHA256.HashData(stream);
    }

    [ThreadStatic]
    private static byte[]? _buffer;

    private static byte[] Buffer() => _buffer ??= new byte[PieceBlocks * ImageFormat.BlockLength];

    private void Run(int count, Action<int> action)
    {
        try
        {
            _ = Parallel.For(0, count, _parallel, action);
        }
        catch (AggregateException error) when (error.InnerExceptions.All(inner => inner is OperationCanceledException))
        {
            throw new OperationCanceledException(cancellation);
        }
        catch (AggregateException error)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error.InnerExceptions.First(inner => inner is not OperationCanceledException));
        }
    }

    /// <summary>Reports each hundredth once, whoever reaches it.</summary>
    private sealed class Meter(string step, long total, IProgress<StepUpdate> progress)
    {
        private long _done;
        private int _reported = -1;

        public void Add(long bytes, RootPath path)
        {
            var done = Interlocked.Add(ref _done, bytes);
            var percent = total == 0 ? 100 : (int)(100 * done / total);
            var before = Volatile.Read(ref _reported);
            if (percent > before && Interlocked.CompareExchange(ref _reported, percent, before) == before)
            {
                progress.Report(new StepUpdate(step, Math.Min(1, percent / 100.0), path.Text));
            }
        }

        public void Finish(string detail) => progress.Report(new StepUpdate(step, 1, detail));
    }
}
