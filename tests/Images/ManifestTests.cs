using System.Formats.Cbor;
using Xunit;

namespace BlackBox.Images.Tests;

public sealed class ManifestTests
{
    private static readonly ImageManifest Sample = Samples.Image().Protect().Manifest;

    [Fact]
    public void A_manifest_survives_its_encoding()
    {
        var manifest = Sample with
        {
            Counter = ulong.MaxValue,
            Policy = Sample.Policy with
            {
                Arguments = new ListRule(FreedomRule.Prefix, ["ä", ""]),
                Environment = new ListRule(FreedomRule.Free, []),
                AllowsJit = true,
                AllowsExec = true,
                Debug = true,
                OutsideVariables = ["TERM"],
                WritablePaths = ["/data", "/tmp"],
                ClearPaths = [],
                Limits = new ImageLimits(256, 100),
            },
        };
        var bytes = ManifestCodec.Encode(manifest);
        var again = ManifestCodec.Decode(bytes);
        Assert.Equal(bytes, ManifestCodec.Encode(again));
        Assert.Equal(manifest.Policy.Arguments, again.Policy.Arguments);
        Assert.Equal(ulong.MaxValue, again.Counter);
        Assert.True(again.Policy is { AllowsJit: true, AllowsExec: true, Debug: true, OutsideVariables: ["TERM"], WritablePaths: ["/data", "/tmp"], ClearPaths: [], Limits: { MemoryMebibytes: 256, Processes: 100 } });
    }

    [Fact]
    public void The_policy_is_what_the_image_s_configuration_says()
    {
        Assert.Equal("/usr/bin/program", Sample.Policy.EntryPoint);
        Assert.Equal(new ListRule(FreedomRule.Fixed, ["/bin/program", "one", "two"]), Sample.Policy.Arguments);
        Assert.Equal(FreedomRule.Fixed, Sample.Policy.Environment.Rule);
        Assert.Contains("HOME=/", Sample.Policy.Environment.Values);
        Assert.Contains(Sample.Policy.Environment.Values, item => item.StartsWith("PATH=/", StringComparison.Ordinal));
        Assert.False(Sample.Policy.AllowsJit || Sample.Policy.AllowsExec || Sample.Policy.Debug);
    }

    [Fact]
    public void A_prefix_is_the_entry_point_and_a_bare_word_is_looked_up_in_PATH()
    {
        var policy = Samples.Image().Start().Configure(image => image with
        {
            Command = ["program", "x"],
            Environment = ["PATH=relative:/nowhere:/bin", "HOME=/h"],
            Protection = new ProtectionRules(FreedomRule.Prefix, FreedomRule.Prefix),
        }).Protect().Manifest.Policy;
        Assert.Equal("/usr/bin/program", policy.EntryPoint);
        Assert.Equal(new ListRule(FreedomRule.Prefix, ["program"]), policy.Arguments);
        Assert.Equal(new ListRule(FreedomRule.Prefix, ["PATH=relative:/nowhere:/bin", "HOME=/h"]), policy.Environment);
    }

    public static TheoryData<string, byte[]> BadEncodings()
    {
        var good = ManifestCodec.Encode(Sample);
        var data = new TheoryData<string, byte[]>
        {
            { "empty", [] },
            { "trailing byte", [.. good, 0] },
            { "indefinite map", [0xBF, .. good[1..], 0xFF] },
            { "nine fields", [0xA9, .. good[1..], 0x09, 0x00] },
            { "seven fields", [0xA7, .. good[1..^100]] },
            { "other version", [.. good[..2], 1, .. good[3..]] },
            { "longer integer", [.. good[..2], 0x18, 1, .. good[3..]] },
            { "array", [0x81, 0] },
            { "deep", [.. Enumerable.Repeat((byte)0x81, 100_000)] },
            { "huge string", [0xA8, 1, 1, 2, 0x7B, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] },
            { "huge map", [0xBB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] },
        };
        for (var length = 1; length < good.Length; length += 7)
        {
            data.Add($"first {length} bytes", good[..length]);
        }

        void Changed(string what, ImageManifest manifest) => data.Add(what, ManifestCodec.Encode(manifest));
        Changed("relative entry point", Sample with { Policy = Sample.Policy with { EntryPoint = "bin/x" } });
        Changed("environment without name", Sample with { Policy = Sample.Policy with { Environment = new ListRule(FreedomRule.Fixed, ["=x"]) } });
        Changed("unknown rule", Sample with { Policy = Sample.Policy with { Arguments = new ListRule((FreedomRule)3, []) } });
        Changed("NUL in an argument", Sample with { Policy = Sample.Policy with { Arguments = new ListRule(FreedomRule.Fixed, ["a\0b"]) } });
        Changed("writable root", Sample with { Policy = Sample.Policy with { WritablePaths = ["/"] } });
        Changed("clear path that is not canonical", Sample with { Policy = Sample.Policy with { ClearPaths = ["/a/../b"] } });
        Changed("relative clear path", Sample with { Policy = Sample.Policy with { ClearPaths = ["a"] } });
        Changed("too many writable paths", Sample with { Policy = Sample.Policy with { WritablePaths = [.. Enumerable.Range(0, 65).Select(i => $"/{i}")] } });
        Changed("negative limit", Sample with { Policy = Sample.Policy with { Limits = new ImageLimits(-1, 0) } });
        Changed("short digest", Sample with { TableDigest = new byte[32] });
        Changed("long key", Sample with { Publisher = new byte[97] });
        Changed("huge table", Sample with { TableLength = long.MaxValue });
        return data;
    }

    [Theory]
    [MemberData(nameof(BadEncodings))]
    public void Every_other_encoding_is_refused(string what, byte[] bytes)
    {
        _ = what;
        Assert.Equal("/.blackbox/manifest", Assert.Throws<ImageRefusedException>(() => ManifestCodec.Decode(bytes)).File);
    }

    [Fact]
    public void The_signed_form_is_that_of_RFC_9052()
    {
        var message = Samples.Image().Protect().Root[ImageFormat.Manifest]!.Content!.ReadAllBytes();
        var reader = new CborReader(message);
        Assert.Equal((CborTag)18, reader.ReadTag());
        Assert.Equal(4, reader.ReadStartArray());
        Assert.Equal([0xA1, 0x01, 0x38, 0x22], reader.ReadByteString());
        Assert.Equal(0, reader.ReadStartMap());
        reader.ReadEndMap();
        var payload = reader.ReadByteString();
        var signature = reader.ReadByteString();

        // Sig_structure: ["Signature1", protected header, no external data, payload].
        var writer = new CborWriter();
        writer.WriteStartArray(4);
        writer.WriteTextString("Signature1");
        writer.WriteByteString([0xA1, 0x01, 0x38, 0x22]);
        writer.WriteByteString([]);
        writer.WriteByteString(payload);
        writer.WriteEndArray();
        using var publisher = InMemoryImage.TestPublisher();
        using var key = PublisherKey.ImportPublic(publisher.Public)!;
        Assert.True(key.VerifyData(writer.Encode(), signature, System.Security.Cryptography.HashAlgorithmName.SHA384));
    }
}
