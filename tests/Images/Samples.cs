using System.Buffers.Binary;
using System.Text;
using Xunit;

namespace BlackBox.Images.Tests;

/// <summary>Small images with one file of each kind.</summary>
internal static class Samples
{
    public const int ProgramLength = 10_000;

    /// <summary>Bytes that begin like an arm64 ELF file and go on as a sequence that the seed determines.</summary>
    public static byte[] Elf(int length, int seed, ushort type = 3)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        "\u007fELF"u8.CopyTo(bytes);
        bytes[4] = 2;
        bytes[5] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(16), type);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(18), 183);
        return bytes;
    }

    public static InMemoryImage Image() => new InMemoryImage("sample")
        .AddFile("/usr/bin/program", Elf(ProgramLength, 1))
        .AddFile("/usr/bin/other", Elf(ProgramLength, 2))
        .AddFile("/usr/lib/library.so.1", Elf(8192, 3), 0x1A4)
        .AddFile("/usr/bin/script", Encoding.UTF8.GetBytes("#!/bin/program\necho\n"))
        .AddFile("/etc/data", Encoding.UTF8.GetBytes("clear data\n"), 0x1A4)
        .AddFile("/etc/empty", default, 0x1A4)
        .AddLink("/bin", "usr/bin")
        .AddLink("/usr/lib/library.so", "library.so.1")
        .Start("/bin/program", "one", "two");

    /// <summary>A copy in which one file's bytes have been changed.</summary>
    public static RootFilesystem Change(RootFilesystem root, string path, Func<byte[], byte[]> change)
    {
        var copy = new RootFilesystem();
        copy.Merge(root);
        var entry = copy[path]!;
        copy.Add(entry.WithContent(ContentSource.FromBytes(change(entry.Content!.ReadAllBytes()))));
        return copy;
    }

    public static RootFilesystem Change(RootFilesystem root, Action<RootFilesystem> change)
    {
        var copy = new RootFilesystem();
        copy.Merge(root);
        change(copy);
        return copy;
    }

    public static VerifiedImage Verify(RootFilesystem root, VerificationOptions? options = null) =>
        ImageVerifier.Verify(root, options ?? new VerificationOptions(), cancellation: TestContext.Current.CancellationToken);
}
