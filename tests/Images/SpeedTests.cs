using System.Diagnostics;
using System.Security.Cryptography;
using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Images.Tests;

/// <summary>What protecting costs beside what any image builder does: hashing the layer.</summary>
[Collection(AloneCollection.Name)]
public sealed class SpeedTests(ITestOutputHelper output)
{
    private const int FileLength = 8 << 20;
    private const int Files = 12;
    private const int LeastRounds = 4;
    private const int MostRounds = 16;

    /// <summary>
    /// Both are measured in turns on the same bytes, and the best of each counts. A host that is busy with other things gives them the cores of
    /// one program: then the CPU time tells what the ratio were with all cores, which the tags' making uses and hashing one stream cannot.
    /// No second is compared with any other machine's.
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
        double encryptingCpu = 0, hashingCpu = 0;
        double encrypting = double.MaxValue, hashing = double.MaxValue, reading = double.MaxValue, writing = double.MaxValue;
        double Ratio() => Math.Min(encrypting / hashing, encryptingCpu / Environment.ProcessorCount / hashingCpu);
        for (var round = 0; round < LeastRounds || (round < MostRounds && Ratio() > 1); round++)
        {
            long offset = 0;
            var records = builder.Entries.Select(item =>
            {
                var record = builder.Describe(item, offset);
                offset += record.TagsLength;
                return record;
            }).ToArray();
            var key = RandomNumberGenerator.GetBytes(32);
            encrypting = Math.Min(encrypting, Time(() => work.Encrypt(builder.Entries, records, key, offset), ref encryptingCpu));
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
            }, ref hashingCpu));
            reading = Math.Min(reading, Time(() => work.Hash(root)));
            var number = Array.FindIndex(records, record => record.IsFile);
            writing = Math.Min(writing, Files * Time(() =>
            {
                using var stream = new CipherContent(builder.Entries[number].Entry.Content!, key, records[number]).Open();
                stream.CopyTo(Stream.Null, 1 << 18);
            }));
        }

        output.WriteLine($"encrypting : hashing the layer = {encrypting / hashing:0.00}, by CPU time {encryptingCpu / Environment.ProcessorCount / hashingCpu:0.00}");
        output.WriteLine($"digests of the files : hashing the layer = {reading / hashing:0.00}");
        output.WriteLine($"ciphertext for the layer, one core : hashing the layer = {writing / hashing:0.00}");
        output.WriteLine($"{Environment.ProcessorCount} cores; hashing {(double)FileLength * Files / (1 << 20) / hashing:0} MiB/s");
        Assert.InRange(Ratio(), 0, 1);
    }

    private static double Time(Action action, ref double cpu)
    {
        var before = Environment.CpuUsage.TotalTime;
        var result = Time(action);
        cpu += (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        return result;
    }

    private static double Time(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }
}
