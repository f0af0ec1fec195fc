using System.Diagnostics;
using System.Security.Cryptography;
using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Images.Tests;

/// <summary>What protecting costs beside what any image builder does: hashing the layer.</summary>
public sealed class SpeedTests(ITestOutputHelper output)
{
    private const int FileLength = 8 << 20;
    private const int Files = 12;

    /// <summary>
    /// Both are measured in turns on the same bytes, and the best of each counts: a busy host slows both down. The bound is far from what is
    /// usual (the output tells), so that only a change for the worse fails.
    /// </summary>
    [Fact]
    public void Encrypting_is_not_slower_than_hashing_the_layer()
    {
        var root = new RootFilesystem();
        var bytes = new byte[FileLength];
        for (var i = 0; i < Files; i++)
        {
            new Random(i).NextBytes(bytes);
            root.Add(RootEntry.File(RootPath.Parse($"/file{i}"), ContentSource.FromBytes(bytes.ToArray())));
        }

        var builder = new TableBuilder(root, new ImagePolicy { EntryPoint = "/file0", Arguments = new ListRule(FreedomRule.Free, []), Environment = new ListRule(FreedomRule.Free, []) }, EncryptionScope.All);
        var work = new FileWork(NoProgress.Instance, TestContext.Current.CancellationToken);
        double encrypting = double.MaxValue, hashing = double.MaxValue, reading = double.MaxValue, writing = double.MaxValue;
        for (var round = 0; round < 4; round++)
        {
            long offset = 0;
            var records = builder.Entries.Select(item =>
            {
                var record = builder.Describe(item, offset);
                offset += record.TagsLength;
                return record;
            }).ToArray();
            var key = RandomNumberGenerator.GetBytes(32);
            encrypting = Math.Min(encrypting, Time(() => work.Encrypt(builder.Entries, records, key, offset)));
            hashing = Math.Min(hashing, Time(() =>
            {
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                var buffer = new byte[1 << 20];
                foreach (var entry in root.Entries.Where(entry => entry.Kind == RootEntryKind.RegularFile))
                {
                    using var stream = entry.Content!.Open();
                    for (int read; (read = stream.Read(buffer)) > 0;)
                    {
                        hash.AppendData(buffer, 0, read);
                    }
                }

                _ = hash.GetHashAndReset();
            }));
            reading = Math.Min(reading, Time(() => work.Hash(root)));
            var number = Array.FindIndex(records, record => record.IsFile);
            writing = Math.Min(writing, Files * Time(() =>
            {
                using var stream = new CipherContent(builder.Entries[number].Entry.Content!, key, records[number]).Open();
                stream.CopyTo(Stream.Null, 1 << 18);
            }));
        }

        output.WriteLine($"encrypting : hashing the layer = {encrypting / hashing:0.00}");
        output.WriteLine($"digests of the files : hashing the layer = {reading / hashing:0.00}");
        output.WriteLine($"ciphertext for the layer, one core : hashing the layer = {writing / hashing:0.00}");
        output.WriteLine($"{Environment.ProcessorCount} cores; hashing {(double)FileLength * Files / (1 << 20) / hashing:0} MiB/s");
        Assert.InRange(encrypting / hashing, 0, 3);
    }

    private static double Time(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }
}
