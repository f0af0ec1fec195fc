using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BlackBox.Cryptography;

namespace BlackBox.Shield;

/// <summary>
/// The image that this enclave runs, once its manifest is verified: key, policy, file table, tags. Order of the checks as in
/// docs/image-format.md; whatever fails ends the enclave before its first instruction.
/// </summary>
internal static class ProtectedImage
{
    private const int MaxManifestBytes = 256 << 10;
    private const ulong NoFile = ulong.MaxValue;
    private const int FramesPerMebibyte = (1 << 20) / FrameAddress.Size;

    private static Digest32 contentKey;
    private static PrivateBlock manifestBytes;
    private static int payloadOffset;
    private static int payloadLength;
    private static TextList writable;
    private static TextList clear;
    private static OsFile tags;
    private static ulong tagsLength;

    private static ReadOnlySpan<byte> KeyPath => "/.blackbox/key"u8;

    private static ReadOnlySpan<byte> ManifestPath => "/.blackbox/manifest"u8;

    private static ReadOnlySpan<byte> FilesPath => "/.blackbox/files"u8;

    private static ReadOnlySpan<byte> TagsPath => "/.blackbox/tags"u8;

    /// <summary>Key of the image's content, in this enclave's memory only.</summary>
    public static ReadOnlySpan<byte> ContentKey => contentKey;

    /// <summary>The verified manifest.</summary>
    public static Manifest Manifest
    {
        get
        {
            _ = Manifest.TryParse(ManifestPayload, out Manifest manifest);
            return manifest;
        }
    }

    /// <summary>What was signed of it.</summary>
    public static ReadOnlySpan<byte> ManifestPayload => manifestBytes.Bytes.Slice(payloadOffset, payloadLength);

    /// <summary>The manifest's list of writable paths, as CBOR texts.</summary>
    public static ReadOnlySpan<byte> WritablePaths => Texts(writable);

    public static int WritablePathCount => writable.Count;

    /// <summary>The manifest's list of paths that the OS fills.</summary>
    public static ReadOnlySpan<byte> ClearPaths => Texts(clear);

    public static int ClearPathCount => clear.Count;

    /// <summary>The console names what the image does not have.</summary>
    public static bool IsDebug { get; private set; }

    /// <summary>Most processes at one time, those not waited for included; 0: no limit.</summary>
    public static ulong ProcessLimit { get; private set; }

    /// <summary>Blocks and files that did not verify.</summary>
    public static ulong Violations { get; private set; }

    /// <summary>Reads and verifies all of it. Stops the enclave with the reason if anything is wrong.</summary>
    public static void Start(ref Thread thread)
    {
        Span<byte> publisher = stackalloc byte[Digest32.Length];
        ReadManifest(ref thread);
        ReadKey(ref thread, publisher);
        Manifest manifest = Manifest;
        CheckPublisher(manifest, publisher);
        if (manifest.Counter < ImageVersions.Least(Hardware.CommandLine, publisher, manifest.Name))
        {
            Refuse("this version of the image is older than the owner of the machine accepts (blackbox.images)"u8);
        }

        ReadFiles(ref thread, manifest);
        tagsLength = manifest.TagsLength;
        if (OsFile.Open(ref thread, TagsPath, out tags) < 0)
        {
            RefusePath(TagsPath, "cannot be opened"u8);
        }

        if (!tags.Ends(ref thread, tagsLength, out _))
        {
            RefusePath(TagsPath, "has another length than it should have"u8);
        }

        CodePolicy.AllowsUnverified = manifest.AllowsJit;
        IsDebug = manifest.IsDebug;
        ProcessLimit = manifest.ProcessLimit;
        Frames.Limit = (int)Math.Min(manifest.MemoryLimit, int.MaxValue / FramesPerMebibyte) * FramesPerMebibyte;
        writable = new TextList(manifestBytes.Bytes, manifest.WritablePaths, manifest.WritablePathCount);
        clear = new TextList(manifestBytes.Bytes, manifest.ClearPaths, manifest.ClearPathCount);
    }

    /// <summary>Reads tags at an offset of the tag file; the caller checks their digest.</summary>
    public static bool TryReadTags(ref Thread thread, ulong offset, Span<byte> to) =>
        offset <= tagsLength && (ulong)to.Length <= tagsLength - offset && tags.TryRead(ref thread, offset, to);

    /// <summary>A file that does not match the manifest: an audit record, and a counter.</summary>
    public static void Report(int record, ReadOnlySpan<byte> reason)
    {
        Violations++;
        LineWriter line = default;
        line.Write("image: record "u8);
        line.WriteDecimal(record);
        line.Write(": "u8);
        line.Write(reason);
        Hardware.Log(line.Text, (ulong)record);
    }

    public static void Report(ReadOnlySpan<byte> path, ReadOnlySpan<byte> reason)
    {
        Violations++;
        LineWriter line = default;
        line.Write("image: "u8);
        line.Write(path[..Math.Min(path.Length, 120)]);
        line.Write(": "u8);
        line.Write(reason);
        Hardware.Log(line.Text, NoFile);
    }

    /// <summary>
    /// The OS's error for a file that the table lists, as the program may see it: that it is not there, or something else, is a lie and
    /// becomes EIO, reported; what speaks of permissions or means is passed on.
    /// </summary>
    public static long Answer(ref Thread thread, long result, ReadOnlySpan<byte> path)
    {
        if (result is not (-Errno.ENOENT or -Errno.ENOTDIR or -Errno.ELOOP or -Errno.EISDIR or -Errno.ENXIO or -Errno.ENODEV
            or -Errno.EEXIST or -Errno.EROFS or -Errno.ENAMETOOLONG))
        {
            return result;
        }

        if (!thread.Dying)
        {
            Report(path, "is listed, but missing or something else"u8);
        }

        return -Errno.EIO;
    }

    /// <summary>In an image for debugging: what was refused, so that it can be declared or brought along.</summary>
    public static void Trace(ReadOnlySpan<byte> path, ReadOnlySpan<byte> what)
    {
        if (IsDebug)
        {
            LineWriter line = default;
            line.Write("debug: "u8);
            line.Write(path[..Math.Min(path.Length, 120)]);
            line.Write(": "u8);
            line.Write(what);
            Hardware.Log(line.Text, NoFile);
        }
    }

    /// <summary>For tests, which start without an image.</summary>
    internal static void Reset()
    {
        FileTable.Reset();
        IsDebug = false;
        ProcessLimit = 0;
    }

    private static ReadOnlySpan<byte> Texts(TextList list) => manifestBytes.Bytes.Slice(list.Offset, list.Length);

    private static void ReadKey(ref Thread thread, Span<byte> publisher)
    {
        if (!Frames.Reserve(ref thread, 1) || !Frames.TryAllocate(out FrameAddress frame))
        {
            Panic.Stop(PanicReason.OutOfMemory, "no memory for the image's key"u8);
            return;
        }

        ReadWhole(ref thread, KeyPath, WrappedKeys.MaxFileBytes, out PrivateBlock file);

        Span<byte> report = stackalloc byte[AttestationReport.MaxBytes];
        Span<byte> digest = stackalloc byte[Sha256.Length];
        Sha256.Hash(report[..AttestationReport.Write(report)], digest);

        // One of the keys was wrapped for this platform. The monitor opens one, once, and keeps what this enclave says of itself.
        Span<byte> blob = Frames.Bytes(frame)[..WrappedKeys.BlobBytes];
        WrappedKeys keys = new(file.Bytes);
        bool found = false;
        for (int i = 0; i < WrappedKeys.MaxMessages && !keys.IsAtEnd && !found; i++)
        {
            if (!keys.TryNext(blob))
            {
                Refuse("/.blackbox/key is malformed"u8);
            }

            found = Hardware.UnwrapKey(frame.Value, digest) == Status.Success;
        }

        if (!found)
        {
            Refuse("/.blackbox/key holds no key for this platform"u8);
        }

        blob.Slice(WrappedKeys.KeyAt, Digest32.Length).CopyTo(contentKey);
        blob.Slice(WrappedKeys.PublisherAt, Digest32.Length).CopyTo(publisher);
        ConstantTime.Wipe(blob);
        Frames.Free(frame);
        file.Free();
    }

    // That the manifest's own key has signed it says nothing yet of whose key that is.
    private static void ReadManifest(ref Thread thread)
    {
        ReadWhole(ref thread, ManifestPath, MaxManifestBytes, out manifestBytes);
        ReadOnlySpan<byte> message = manifestBytes.Bytes;
        if (!CoseSignature.TryOpen(message, out ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> signature)
            || !Manifest.TryParse(payload, out Manifest manifest))
        {
            Refuse("/.blackbox/manifest is malformed"u8);
            return;
        }

        if (!CoseSignature.Verify(payload, signature, manifest.PublicKey))
        {
            Refuse("/.blackbox/manifest: the signature is wrong"u8);
        }

        payloadOffset = (int)Unsafe.ByteOffset(ref MemoryMarshal.GetReference(message), ref MemoryMarshal.GetReference(payload));
        payloadLength = payload.Length;
    }

    private static void CheckPublisher(in Manifest manifest, ReadOnlySpan<byte> publisher)
    {
        Span<byte> digest = stackalloc byte[Sha256.Length];
        Sha256.Hash(manifest.PublicKey, digest);
        if (!digest.SequenceEqual(publisher))
        {
            Refuse("/.blackbox/manifest is not of the publisher for whom the key was wrapped"u8);
        }
    }

    /// <summary>The digests of the table's pages follow it; the manifest signs them all by one digest.</summary>
    private static void ReadFiles(ref Thread thread, in Manifest manifest)
    {
        ulong bytes = FileTable.DigestBytes(manifest.FilesLength);
        if (manifest.FilesLength > 1UL << 40 || bytes > PrivateBlock.MaxBytes)
        {
            Refuse("/.blackbox/files is too large"u8);
        }

        if (OsFile.Open(ref thread, FilesPath, out OsFile file) < 0)
        {
            RefusePath(FilesPath, "cannot be opened"u8);
        }

        if (!PrivateBlock.TryAllocate(ref thread, (int)bytes, out PrivateBlock digests))
        {
            Panic.Stop(PanicReason.OutOfMemory, "no memory for the image's file table"u8);
        }

        if (!file.TryRead(ref thread, manifest.FilesLength, digests.Bytes))
        {
            RefusePath(FilesPath, "is shorter than it should be"u8);
        }

        if (!file.Ends(ref thread, manifest.FilesLength + bytes, out _))
        {
            RefusePath(FilesPath, "is longer than it should be"u8);
        }

        Span<byte> digest = stackalloc byte[Sha384.Length];
        Sha384.Hash(digests.Bytes, digest);
        if (!digest.SequenceEqual(manifest.FilesDigest))
        {
            Refuse("/.blackbox/files does not match the manifest"u8);
        }

        if (!FileTable.TryStart(ref thread, file, digests, manifest.FilesLength))
        {
            Refuse("/.blackbox/files is malformed, or its first page has been altered"u8);
        }
    }

    /// <summary>Reads a file into private memory: as many bytes as it has, up to <paramref name="most"/>.</summary>
    private static void ReadWhole(ref Thread thread, ReadOnlySpan<byte> path, int most, out PrivateBlock block)
    {
        if (OsFile.Open(ref thread, path, out OsFile file) < 0)
        {
            RefusePath(path, "cannot be opened"u8);
        }

        int length = file.Measure(ref thread, most);
        if (length <= 0 || !PrivateBlock.TryAllocate(ref thread, length, out block))
        {
            block = default;
            RefusePath(path, "is empty or too large"u8);
        }

        if (!file.TryRead(ref thread, 0, block.Bytes))
        {
            RefusePath(path, "is shorter than it should be"u8);
        }

        file.Close(ref thread);
    }

    private static void RefusePath(ReadOnlySpan<byte> path, ReadOnlySpan<byte> reason)
    {
        LineWriter line = default;
        line.Write(path);
        line.Write(" "u8);
        line.Write(reason);
        Panic.Stop(PanicReason.Verification, line.Text);
    }

    private static void Refuse(ReadOnlySpan<byte> reason) => Panic.Stop(PanicReason.Verification, reason);

    /// <summary>Where a list of texts stands in the manifest.</summary>
    private readonly struct TextList(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> texts, int count)
    {
        public readonly int Offset = count == 0 ? 0 : (int)Unsafe.ByteOffset(ref MemoryMarshal.GetReference(whole), ref MemoryMarshal.GetReference(texts));
        public readonly int Length = count == 0 ? 0 : texts.Length;
        public readonly int Count = count;
    }
}
