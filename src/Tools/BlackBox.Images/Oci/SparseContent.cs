namespace BlackBox.Images;

/// <summary>A file with holes: parts of an archive, and zeros between them.</summary>
internal sealed class SparseContent(ContentSource archive, long length, IReadOnlyList<TarSegment> segments) : ContentSource
{
    public override long Length => length;

    public override Stream Open() => new SparseStream(archive.Open(), length, segments);

    private sealed class SparseStream(Stream archive, long length, IReadOnlyList<TarSegment> segments) : Stream
    {
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position
        {
            get => _position;
            set
            {
                ArgumentOutOfRangeException.ThrowIfNegative(value);
                _position = value;
            }
        }

        public override int Read(Span<byte> buffer)
        {
            var wanted = (int)Math.Clamp(length - _position, 0, buffer.Length);
            if (wanted == 0)
            {
                return 0;
            }

            var next = Next();
            var segment = next < segments.Count ? segments[next] : new TarSegment(length, 0, 0);
            if (_position < segment.Offset)
            {
                wanted = (int)Math.Min(wanted, segment.Offset - _position);
                buffer[..wanted].Clear();
            }
            else
            {
                wanted = (int)Math.Min(wanted, segment.Offset + segment.Length - _position);
                archive.Position = segment.Position + (_position - segment.Offset);
                wanted = archive.Read(buffer[..wanted]);
            }

            _position += wanted;
            return wanted;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _position + offset,
            _ => length + offset,
        };

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                archive.Dispose();
            }

            base.Dispose(disposing);
        }

        /// <summary>The first segment that ends behind the position.</summary>
        private int Next()
        {
            var (low, high) = (0, segments.Count);
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (segments[middle].Offset + segments[middle].Length > _position)
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
