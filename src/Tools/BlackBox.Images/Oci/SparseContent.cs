namespace BlackBox.Images;

/// <summary>A file with holes: parts of an archive, and zeros between them.</summary>
internal sealed class SparseContent(ContentSource archive, long length, IReadOnlyList<TarSegment> segments) : ContentSource
{
    public override long Length => length;

    public override Stream Open() => new SparseStream(archive.Open(), length, segments);

    private sealed class SparseStream(Stream archive, long length, IReadOnlyList<TarSegment> segments) : SeekableInput(length)
    {
        protected override int Read(long position, Span<byte> buffer)
        {
            var next = Next(position);
            var segment = next < segments.Count ? segments[next] : new TarSegment(Length, 0, 0);
            if (position < segment.Offset)
            {
                var hole = (int)Math.Min(buffer.Length, segment.Offset - position);
                buffer[..hole].Clear();
                return hole;
            }

            archive.Position = segment.Position + (position - segment.Offset);
            return archive.Read(buffer[..(int)Math.Min(buffer.Length, segment.Offset + segment.Length - position)]);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                archive.Dispose();
            }

            base.Dispose(disposing);
        }

        /// <summary>The first segment that ends behind the position.</summary>
        private int Next(long position)
        {
            var (low, high) = (0, segments.Count);
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (segments[middle].Offset + segments[middle].Length > position)
                {
                    high = middle;
                }
                else
                {
                    low = middle + 1;
                }
            }

            return low;
        }
    }
}
