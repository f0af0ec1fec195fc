namespace BlackBox.Images;

/// <summary>
/// The encrypted bytes of a file, made anew from the clear ones each time they are read: the cipher is deterministic, so
/// no copy of an image needs to be kept.
/// </summary>
internal sealed class CipherContent(ContentSource plain, byte[] contentKey, FileRecord record) : ContentSource
{
    public override long Length => record.Size;

    public override Stream Open()
    {
        var cipher = new ContentCipher(contentKey, record);
        var tag = new byte[ImageFormat.TagLength];
        return new BlockStream(plain.Open(), record.Size, Encrypt, cipher);

        void Encrypt(long block, Span<byte> input, Span<byte> output)
        {
            cipher.Encrypt(block, input, output, tag);
            if (block == 0 && record.HasMagic)
            {
                ImageFormat.Magic.CopyTo(output);
            }
        }
    }
}

/// <summary>The clear bytes of a listed file; reading a block that has been altered fails.</summary>
internal sealed class PlainContent(RootPath path, ContentSource cipherText, byte[] contentKey, FileRecord record, ReadOnlyMemory<byte> tags) : ContentSource
{
    public override long Length => record.Size;

    public override Stream Open()
    {
        var cipher = new ContentCipher(contentKey, record);
        return new BlockStream(cipherText.Open(), record.Size, Decrypt, cipher);

        void Decrypt(long block, Span<byte> input, Span<byte> output)
        {
            if (block == 0 && record.HasMagic)
            {
                if (!input.StartsWith(ImageFormat.Magic))
                {
                    throw new ImageRefusedException(path.Text, "it does not begin with the magic of protected code");
                }

                record.Head.CopyTo(input);
            }

            if (!cipher.TryDecrypt(block, input, tags.Span.Slice((int)block * ImageFormat.TagLength, ImageFormat.TagLength), output))
            {
                throw new ImageRefusedException(path.Text, $"block {block} has been altered");
            }
        }
    }
}
