using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using BlackBox.Cryptography;

namespace BlackBox.Shield;

/// <summary>An opened file of the image: its key schedule and tags.</summary>
internal struct ProtectedFile
{
    /// <summary>Tags of a file up to 64 KiB stand here, those of a larger one in frames of their own.</summary>
    public const int FewTagBytes = 16 * Aes256Gcm.TagLength;

    public Aes256Gcm Key;
    public TagText FewTags;
    public PrivateBlock Tags;
    public int Record;

    /// <summary>The next one in the same chain.</summary>
    public RawHandle Next;

    /// <summary>Canonical path.</summary>
    public Handle<StoredPath> Path;

    [InlineArray(FewTagBytes)]
    public struct TagText
    {
        private byte first;
    }
}

/// <summary>Files of the image by record of the file table, opened once per enclave and kept: every process shares their pages.</summary>
internal static class ProtectedFiles
{
    private const int BlockBytes = 4096;
    private const int AssociatedBytes = Digest32.Length + sizeof(ulong);
    private const int Chains = 256;

    private static Heads heads;

    [InlineArray(Chains)]
    private struct Heads
    {
        private Handle<ProtectedFile> first;
    }

    private static ReadOnlySpan<byte> KeyLabel => "blackbox file v1"u8;

    /// <summary>For files that anybody can read: their blocks have tags alone.</summary>
    private static ReadOnlySpan<byte> OpenKeyLabel => "blackbox open v1"u8;

    /// <summary>The object with the file's verified pages, with one user for the caller. Returns 0 or -errno. May call the OS.</summary>
    public static long Open(ref Thread thread, int record, ReadOnlySpan<byte> canonicalPath, out Handle<MemoryObject> file) =>
        Open(ref thread, record, canonicalPath, -1, out file);

    /// <summary>As above; the OS's file is that of a descriptor that was opened for the path already.</summary>
    public static long Open(ref Thread thread, int record, ReadOnlySpan<byte> canonicalPath, long descriptor, out Handle<MemoryObject> file)
    {
        FileIdentity identity = new(FileTable.Record(record).IsCode ? FileSource.Encrypted : FileSource.Data, 0, (ulong)record);
        ulong size = FileTable.Record(record).Length;
        if (!PageCache.TryFind(identity, out file))
        {
            OsFile os;
            long result = descriptor >= 0
                ? OsFile.OfDescriptor(ref thread, descriptor, out os)
                : ProtectedImage.Answer(ref thread, OsFile.Open(ref thread, canonicalPath, out os), canonicalPath);
            if (result < 0)
            {
                return result;
            }

            result = CheckLength(ref thread, os, size, canonicalPath);
            if (result == 0)
            {
                result = Prepare(ref thread, record, canonicalPath);
            }

            if (result < 0)
            {
                os.Close(ref thread);
                return result;
            }

            bool known = PageCache.TryOpen(identity, size, 0, os.Pin, false, record, out file, out bool tookPin);
            if (!tookPin)
            {
                os.Close(ref thread);
            }

            return known ? 0 : -Errno.ENOMEM;
        }

        return PageCache.TryOpen(identity, size, 0, 0, false, record, out file, out _) ? 0 : -Errno.ENOMEM;
    }

    /// <summary>
    /// Decrypts one block. <paramref name="stored"/>: its bytes as the OS has them, which it may change meanwhile, or <paramref name="data"/> itself
    /// if they are in private memory already. False: not the block that the publisher signed; <paramref name="data"/> is wiped.
    /// </summary>
    public static bool TryDecrypt(int record, ulong block, ReadOnlySpan<byte> stored, Span<byte> data)
    {
        Handle<ProtectedFile> handle = At(record);
        if (handle.IsNull)
        {
            return false;
        }

        ref readonly FileRecord entry = ref FileTable.Record(record);
        ref ProtectedFile file = ref Pool<ProtectedFile>.Get(handle);
        if (!entry.IsProtected || (block == 0 && entry.HasMagic))
        {
            stored.CopyTo(data);
            stored = data;
        }

        if (block == 0 && entry.HasMagic && data.Length >= sizeof(uint))
        {
            // The file has the magic there, for the OS's sake.
            BinaryPrimitives.WriteUInt32LittleEndian(data, entry.Head);
        }

        Span<byte> nonce = stackalloc byte[Aes256Gcm.NonceLength];
        nonce.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(nonce[4..], block);
        ReadOnlySpan<byte> tag = (file.Tags.Length != 0 ? file.Tags.Bytes : file.FewTags).Slice((int)block * Aes256Gcm.TagLength, Aes256Gcm.TagLength);
        if (!entry.IsProtected)
        {
            bool good = file.Key.Decrypt(nonce, data, default, tag);
            if (!good)
            {
                data.Clear();
            }

            return good;
        }

        Span<byte> associated = stackalloc byte[AssociatedBytes];
        FileTable.Hash(record).CopyTo(associated);
        BinaryPrimitives.WriteUInt64LittleEndian(associated[Digest32.Length..], entry.Length);
        return file.Key.Decrypt(nonce, associated, stored, data, tag);
    }

    /// <summary>A file of another length than signed is a changed one, even if all signed blocks are there. 0 or -EIO: reported.</summary>
    private static long CheckLength(ref Thread thread, in OsFile file, ulong length, ReadOnlySpan<byte> path)
    {
        if (file.Ends(ref thread, length, out bool isLonger))
        {
            return 0;
        }

        if (thread.Dying)
        {
            return -Errno.Dying;
        }

        ProtectedImage.Report(path, isLonger ? "is longer than signed"u8 : "is shorter than signed, or cannot be read"u8);
        return -Errno.EIO;
    }

    private static Handle<ProtectedFile> At(int record)
    {
        Handle<ProtectedFile> handle = heads[record % Chains];
        while (!handle.IsNull && Pool<ProtectedFile>.Get(handle).Record != record)
        {
            handle = Pool<ProtectedFile>.Get(handle).Next.As<ProtectedFile>();
        }

        return handle;
    }

    /// <summary>The file whose block does not verify, by its path as far as it is kept.</summary>
    public static void Report(int record, ReadOnlySpan<byte> reason)
    {
        Handle<ProtectedFile> handle = At(record);
        if (handle.IsNull)
        {
            ProtectedImage.Report(record, reason);
            return;
        }

        // The first piece is what fits into a line.
        ref StoredPath path = ref Pool<StoredPath>.Get(Pool<ProtectedFile>.Get(handle).Path);
        ProtectedImage.Report(((ReadOnlySpan<byte>)path.Bytes)[..path.Length], reason);
    }

    /// <summary>Copies the canonical path of a file that was opened before; returns its length, 0 if it was not.</summary>
    public static int CopyPath(int record, Span<byte> to)
    {
        Handle<ProtectedFile> handle = At(record);
        return handle.IsNull ? 0 : Math.Max(0, StoredPaths.CopyTo(Pool<ProtectedFile>.Get(handle).Path, to));
    }

    /// <summary>Derives the key and fetches the tags, which must have the signed digest. 0, -ENOMEM, or -EIO: reported.</summary>
    private static long Prepare(ref Thread thread, int record, ReadOnlySpan<byte> path)
    {
        if (!At(record).IsNull)
        {
            return 0;
        }

        ref readonly FileRecord entry = ref FileTable.Record(record);
        ulong bytes = (entry.Length + BlockBytes - 1) / BlockBytes * Aes256Gcm.TagLength;
        if (!entry.IsFile || bytes > PrivateBlock.MaxBytes)
        {
            ProtectedImage.Report(path, "is no file, or too large"u8);
            return -Errno.EIO;
        }

        ProtectedFile.TagText few = default;
        PrivateBlock tags = default;
        if (bytes > ProtectedFile.FewTagBytes && !PrivateBlock.TryAllocate(ref thread, (int)bytes, out tags))
        {
            return -Errno.ENOMEM;
        }

        Span<byte> all = bytes > ProtectedFile.FewTagBytes ? tags.Bytes : ((Span<byte>)few)[..(int)bytes];
        Span<byte> digest = stackalloc byte[Sha256.Length];
        bool good = ProtectedImage.TryReadTags(ref thread, entry.Offset, all);
        Sha256.Hash(all, digest);
        good &= digest.SequenceEqual(entry.TagsDigest);

        // Another thread may have come first while the OS read.
        if (!At(record).IsNull)
        {
            tags.Free();
            return 0;
        }

        Handle<StoredPath> name = default;
        Handle<ProtectedFile> handle = default;
        if (!good || !StoredPaths.TryStore(path, out name) || !Pool<ProtectedFile>.TryAdd(out handle))
        {
            StoredPaths.Free(name);
            tags.Free();
            if (!good && !thread.Dying)
            {
                ProtectedImage.Report(path, "its tags do not match the manifest"u8);
            }

            return good ? -Errno.ENOMEM : -Errno.EIO;
        }

        ref ProtectedFile file = ref Pool<ProtectedFile>.Get(handle);
        file.Tags = tags;
        file.FewTags = few;
        file.Path = name;
        Span<byte> information = stackalloc byte[16 + Digest32.Length];
        (entry.IsProtected ? KeyLabel : OpenKeyLabel).CopyTo(information);
        ((ReadOnlySpan<byte>)entry.Salt).CopyTo(information[KeyLabel.Length..]);
        Span<byte> key = stackalloc byte[Aes256Gcm.KeyLength];
        HkdfSha256.Expand(ProtectedImage.ContentKey, information, key);
        file.Key.Initialize(key);
        ConstantTime.Wipe(key);
        file.Record = record;
        ref Handle<ProtectedFile> head = ref heads[record % Chains];
        file.Next = head.Raw;
        head = handle;
        return 0;
    }

    internal static void Reset()
    {
        heads = default;
        Pool<ProtectedFile>.Reset();
    }
}
