using System.Formats.Cbor;
using System.Text;

namespace BlackBox.Images;

/// <summary>The manifest's payload: CBOR in the deterministic encoding of RFC 8949, section 4.2.1.</summary>
public static class ManifestCodec
{
    private const int MaximumStrings = 4096;

    public static byte[] Encode(ImageManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartMap(8);
        writer.WriteInt32(1);
        writer.WriteInt32(ImageFormat.Version);
        writer.WriteInt32(2);
        writer.WriteTextString(manifest.Name);
        writer.WriteInt32(3);
        writer.WriteUInt64(manifest.Counter);
        writer.WriteInt32(4);
        WritePolicy(writer, manifest.Policy);
        writer.WriteInt32(5);
        writer.WriteByteString(manifest.TableDigest);
        writer.WriteInt32(6);
        writer.WriteInt64(manifest.TableLength);
        writer.WriteInt32(7);
        writer.WriteInt64(manifest.TagsLength);
        writer.WriteInt32(8);
        writer.WriteByteString(manifest.Publisher);
        writer.WriteEndMap();
        return writer.Encode();
    }

    public static byte[] EncodePolicy(ImagePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var writer = new CborWriter(CborConformanceMode.Canonical);
        WritePolicy(writer, policy);
        return writer.Encode();
    }

    /// <exception cref="ImageRefusedException">Not exactly the encoding that <see cref="Encode"/> gives, or a value out of range.</exception>
    public static ImageManifest Decode(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var reader = new CborReader(payload, CborConformanceMode.Canonical);
            Check(reader.ReadStartMap() == 8, "it has not exactly the fields 1 to 8");
            Key(reader, 1);
            Check(reader.ReadUInt64() == ImageFormat.Version, "its format version is unknown");
            Key(reader, 2);
            var name = reader.ReadTextString();
            Key(reader, 3);
            var counter = reader.ReadUInt64();
            Key(reader, 4);
            var policy = ReadPolicy(reader);
            Key(reader, 5);
            var digest = Bytes(reader, 48);
            Key(reader, 6);
            var tableLength = Size(reader);
            Key(reader, 7);
            var tagsLength = Size(reader);
            Key(reader, 8);
            var publisher = Bytes(reader, 96);
            reader.ReadEndMap();
            Check(reader.BytesRemaining == 0, "bytes follow it");
            return new ImageManifest
            {
                Name = name,
                Counter = counter,
                Policy = policy,
                TableDigest = digest,
                TableLength = tableLength,
                TagsLength = tagsLength,
                Publisher = publisher,
            };
        }
        catch (Exception error) when (error is CborContentException or InvalidOperationException or OverflowException or DecoderFallbackException)
        {
            throw new ImageRefusedException(ImageFormat.Manifest.Text, $"it is not a valid manifest ({error.Message})", error);
        }
    }

    private static void WritePolicy(CborWriter writer, ImagePolicy policy)
    {
        writer.WriteStartMap(11);
        writer.WriteInt32(1);
        writer.WriteTextString(policy.EntryPoint);
        writer.WriteInt32(2);
        WriteRule(writer, policy.Arguments);
        writer.WriteInt32(3);
        WriteRule(writer, policy.Environment);
        writer.WriteInt32(4);
        writer.WriteBoolean(policy.AllowsJit);
        writer.WriteInt32(5);
        writer.WriteBoolean(policy.AllowsExec);
        writer.WriteInt32(6);
        writer.WriteBoolean(policy.Debug);
        writer.WriteInt32(7);
        writer.WriteTextString(policy.WorkingDirectory);
        writer.WriteInt32(8);
        WriteStrings(writer, policy.OutsideVariables);
        writer.WriteInt32(9);
        WriteStrings(writer, policy.WritablePaths);
        writer.WriteInt32(10);
        WriteStrings(writer, policy.ClearPaths);
        writer.WriteInt32(11);
        writer.WriteStartArray(2);
        writer.WriteInt32(policy.Limits.MemoryMebibytes);
        writer.WriteInt32(policy.Limits.Processes);
        writer.WriteEndArray();
        writer.WriteEndMap();
    }

    private static void WriteRule(CborWriter writer, ListRule rule)
    {
        writer.WriteStartArray(2);
        writer.WriteInt32((int)rule.Rule);
        WriteStrings(writer, rule.Values);
        writer.WriteEndArray();
    }

    private static void WriteStrings(CborWriter writer, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(values.Count);
        foreach (var value in values)
        {
            writer.WriteTextString(value);
        }

        writer.WriteEndArray();
    }

    private static ImagePolicy ReadPolicy(CborReader reader)
    {
        Check(reader.ReadStartMap() == 11, "its policy has not exactly the fields 1 to 11");
        Key(reader, 1);
        var entryPoint = reader.ReadTextString();
        Check(entryPoint.StartsWith('/') && Encoding.UTF8.GetByteCount(entryPoint) <= ImageFormat.MaximumPath, "its entry point is not an absolute path");
        Key(reader, 2);
        var arguments = ReadRule(reader);
        Key(reader, 3);
        var environment = ReadRule(reader);
        Check(environment.Values.All(value => value.IndexOf('=') > 0), "its environment holds something else than NAME=value");
        Key(reader, 4);
        var jit = reader.ReadBoolean();
        Key(reader, 5);
        var exec = reader.ReadBoolean();
        Key(reader, 6);
        var debug = reader.ReadBoolean();
        Key(reader, 7);
        var folder = reader.ReadTextString();
        Check(folder.StartsWith('/'), "its working directory is not an absolute path");
        Key(reader, 8);
        var names = ReadStrings(reader);
        Key(reader, 9);
        var writable = ReadPaths(reader);
        Key(reader, 10);
        var clear = ReadPaths(reader);
        Key(reader, 11);
        var limits = ReadLimits(reader);
        reader.ReadEndMap();
        return new ImagePolicy
        {
            EntryPoint = entryPoint,
            Arguments = arguments,
            Environment = environment,
            AllowsJit = jit,
            AllowsExec = exec,
            Debug = debug,
            WorkingDirectory = folder,
            OutsideVariables = names,
            WritablePaths = writable,
            ClearPaths = clear,
            Limits = limits,
        };
    }

    private static string[] ReadPaths(CborReader reader)
    {
        var paths = ReadStrings(reader);
        Check(paths.Length <= ImageFormat.MaximumOutsidePaths, "a list of paths is too long");
        foreach (var path in paths)
        {
            Check(IsCanonical(path), "a writable or clear path is not canonical");
        }

        return paths;
    }

    private static ImageLimits ReadLimits(CborReader reader)
    {
        Check(reader.ReadStartArray() == 2, "its limits are not a pair");
        var limits = new ImageLimits(reader.ReadInt32(), reader.ReadInt32());
        reader.ReadEndArray();
        Check(limits.MemoryMebibytes >= 0 && limits.Processes >= 0, "a limit is negative");
        return limits;
    }

    /// <summary>Absolute, no component empty, "." or "..", and not the root.</summary>
    private static bool IsCanonical(string path)
    {
        try
        {
            return path.StartsWith('/') && path != "/" && RootPath.Parse(path).Text == path;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static ListRule ReadRule(CborReader reader)
    {
        Check(reader.ReadStartArray() == 2, "a rule is not a pair");
        var mode = reader.ReadUInt64();
        Check(mode <= (ulong)FreedomRule.Free, "a rule is neither fixed, prefix nor free");
        var values = ReadStrings(reader);
        reader.ReadEndArray();
        return new ListRule((FreedomRule)mode, values);
    }

    private static string[] ReadStrings(CborReader reader)
    {
        var count = reader.ReadStartArray() ?? -1;
        Check(count is >= 0 and <= MaximumStrings, "a list is too long");
        var values = new string[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = reader.ReadTextString();
            Check(!values[i].Contains('\0'), "a text holds a NUL");
        }

        reader.ReadEndArray();
        return values;
    }

    private static byte[] Bytes(CborReader reader, int length)
    {
        var bytes = reader.ReadByteString();
        Check(bytes.Length == length, "a byte string has a wrong length");
        return bytes;
    }

    private static long Size(CborReader reader)
    {
        var size = reader.ReadUInt64();
        Check(size <= ImageFormat.MaximumOffset, "a length is too large");
        return (long)size;
    }

    private static void Key(CborReader reader, int expected) => Check(reader.ReadUInt64() == (ulong)expected, "an unknown or missing field");

    private static void Check(bool condition, string reason)
    {
        if (!condition)
        {
            throw new ImageRefusedException(ImageFormat.Manifest.Text, reason);
        }
    }
}
