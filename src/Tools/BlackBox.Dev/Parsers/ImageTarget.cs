using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using BlackBox.Images;
using BlackBox.Shield;

namespace BlackBox.Dev.Parsers;

/// <summary>What a protected image brings along: manifest payload, signed message, file table. The first byte of an input chooses. Read by the
/// shield and by the tools; what the tools accept the shield accepts.</summary>
internal sealed class ImageTarget : ParserTarget
{
    private const int TagBytes = 16 * 6;

    public override string Name => "manifest";

    public override IReadOnlyList<byte[]> Samples { get; } = MakeSamples();

    public override int Parse(byte[] input)
    {
        if (input.Length == 0)
        {
            return 0;
        }

        byte[] rest = input[1..];
        return (input[0] % 3) switch
        {
            0 => ParseManifest(rest),
            1 => ParseMessage(rest),
            _ => ParseTable(rest),
        };
    }

    private static int ParseManifest(byte[] payload)
    {
        bool isAccepted = Manifest.TryParse(payload, out Manifest manifest);
        int refusal = Refusal(() => ManifestCodec.Decode(payload));
        Require(refusal != 0 || isAccepted, "the tools accept a manifest that the shield refuses");
        if (isAccepted)
        {
            Require(CountTexts(manifest.Arguments) == manifest.ArgumentCount && CountTexts(manifest.Environment) == manifest.EnvironmentCount
                && CountTexts(manifest.OutsideNames) == manifest.OutsideNameCount, "a list of the manifest has another number of texts");
        }

        return StableHash.Of($"{isAccepted} {refusal} {manifest.ArgumentCount} {manifest.EnvironmentCount} {manifest.OutsideNameCount} {(int)manifest.ArgumentMode} {(int)manifest.EnvironmentMode}");
    }

    private static int CountTexts(ReadOnlySpan<byte> texts)
    {
        CborReader reader = new(texts);
        int count = 0;
        while (!reader.IsAtEnd)
        {
            Require(reader.TryText(out _), "a list of the manifest holds no text");
            count++;
        }

        return count;
    }

    private static int ParseMessage(byte[] message)
    {
        bool isOpened = CoseSignature.TryOpen(message, out ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> signature);
        Require(!isOpened || (payload.Length < message.Length && signature.Length == 96), "a message holds more than it has");
        int refusal = Refusal(() => SignedManifest.Read(message));
        Require(refusal != 0 || isOpened, "the tools accept a message that the shield refuses");
        return StableHash.Of($"{1} {isOpened} {refusal} {payload.Length}");
    }

    private static int ParseTable(byte[] table)
    {
        Shield.FileTable.Reset();
        bool isLoaded = table.Length >= Shield.FileTable.HeaderBytes && Shield.FileTable.TryTakeHeader(table, (ulong)table.Length);
        int refusal = Refusal(() => Images.FileTable.Decode(table, TagBytes));
        Require(refusal != 0 || isLoaded, "the tools accept a file table that the shield refuses");
        int good = 0;
        for (int i = 0; i < Shield.FileTable.Count; i++)
        {
            int at = Shield.FileTable.HeaderBytes + (i * Shield.FileRecord.Size);
            Shield.FileRecord record = MemoryMarshal.Read<Shield.FileRecord>(table.AsSpan(at, Shield.FileRecord.Size));
            bool isGood = Shield.FileTable.IsWellFormed(record);
            Require(refusal != 0 || isGood, "the tools accept a record that the shield refuses");
            Require(!isGood || !record.HasMagic || record.IsProtected, "code that is not protected");
            good += isGood ? 1 : 0;
        }

        int count = Shield.FileTable.Count;
        Shield.FileTable.Reset();
        return StableHash.Of($"{2} {isLoaded} {refusal} {count} {good}");
    }

    // 0: accepted.
    private static int Refusal(Func<object> parse)
    {
        try
        {
            parse();
            return 0;
        }
        catch (ImageRefusedException refused)
        {
            return refused.Message.Length | 1;
        }
    }

    private static byte[][] MakeSamples()
    {
        var policy = new ImagePolicy
        {
            EntryPoint = "/usr/bin/program",
            Arguments = new ListRule(FreedomRule.Fixed, ["program", "one"]),
            Environment = new ListRule((FreedomRule)1, ["PATH=/bin", "LANG=C"]),
            OutsideVariables = ["TERM"],
            WritablePaths = ["/tmp"],
            ClearPaths = ["/dev", "/proc"],
            Limits = new ImageLimits(64, 10),
            AllowsExec = true,
        };
        using var key = PublisherKey.Create();
        var manifest = new ImageManifest
        {
            Name = "sample",
            Counter = 7,
            Policy = policy,
            TableDigest = new byte[48],
            TableLength = 640,
            TagsLength = TagBytes,
            Publisher = key.Public,
        };
        byte[] Hash(string path) => SHA256.HashData(Encoding.UTF8.GetBytes(path));
        Images.FileRecord[] records =
        [
            new() { PathHash = Hash("/usr/bin/program"), Size = 10_000, TagsOffset = 0, Mode = 0x81ed, Flags = FileFlags.Protected | FileFlags.Code, Head = [1, 2, 3, 4] },
            new() { PathHash = Hash("/usr/lib/library.so"), Size = 8192, TagsOffset = 48, Mode = 0x81a4, Flags = FileFlags.Protected },
            new() { PathHash = Hash("/bin"), Flags = FileFlags.SymbolicLink, Mode = 0xa1ff, LinkTarget = "usr/bin" },
            new() { PathHash = Hash("/"), Flags = FileFlags.Directory, Mode = 0x41ed, Names = [new("bin", 10, 0), new("dev", 4, -1)] },
        ];
        records = [.. records.OrderBy(record => Convert.ToHexString(record.PathHash), StringComparer.Ordinal)];
        long offset = 0;
        for (int i = 0; i < records.Length; i++)
        {
            if (records[i].IsProtected)
            {
                records[i] = records[i] with { TagsOffset = offset };
                offset += records[i].TagsLength;
            }
        }

        return
        [
            [0, .. ManifestCodec.Encode(manifest)],
            [1, .. SignedManifest.Sign(manifest, key)],
            [2, .. Images.FileTable.Encode(records)],
        ];
    }
}
