using System;

namespace BlackBox.Shield;

/// <summary>How far a list in the policy binds what the OS passes.</summary>
internal enum RuleMode
{
    /// <summary>Exactly the list.</summary>
    Fixed = 0,

    /// <summary>The list first, then anything (arguments); the list plus the names that may come from outside (environment).</summary>
    Prefix = 1,

    /// <summary>Anything.</summary>
    Free = 2,
}

/// <summary>The signed manifest of a protected image (docs/image-format.md), as spans of its bytes.</summary>
internal ref struct Manifest
{
    public const ulong FormatVersion = 2;
    private const int DigestLength = 48;
    private const int PublicKeyLength = 96;
    private const int MaxOutsidePaths = 64;

    public ReadOnlySpan<byte> Name;
    public ulong Counter;
    public ReadOnlySpan<byte> FilesDigest;
    public ulong FilesLength;
    public ulong TagsLength;
    public ReadOnlySpan<byte> PublicKey;

    /// <summary>The policy as it is encoded.</summary>
    public ReadOnlySpan<byte> Policy;
    public ReadOnlySpan<byte> EntryPoint;
    public RuleMode ArgumentMode;

    /// <summary>CBOR text strings, one after the other, and their number.</summary>
    public ReadOnlySpan<byte> Arguments;
    public int ArgumentCount;
    public RuleMode EnvironmentMode;
    public ReadOnlySpan<byte> Environment;
    public int EnvironmentCount;
    public bool AllowsJit;
    public bool AllowsOutsideExec;
    public bool IsDebug;
    public ReadOnlySpan<byte> WorkingDirectory;
    public ReadOnlySpan<byte> OutsideNames;
    public int OutsideNameCount;

    /// <summary>Paths that are not the image's: writable ones and those that the OS fills.</summary>
    public ReadOnlySpan<byte> WritablePaths;
    public int WritablePathCount;
    public ReadOnlySpan<byte> ClearPaths;
    public int ClearPathCount;

    /// <summary>Most memory of the enclave in MiB and most processes; 0: no limit.</summary>
    public ulong MemoryLimit;
    public ulong ProcessLimit;

    /// <summary>Parses the payload; keys must be 1 to 8 in order, each once.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out Manifest manifest)
    {
        // A ref struct cannot be filled through an out parameter by helpers: made here, handed over whole.
        Manifest parsed = default;
        CborReader reader = new(payload);
        bool good = reader.TryMap(out int keys) && keys == 8
            && TryKey(ref reader, 1) && reader.TryUnsigned(out ulong version) && version == FormatVersion
            && TryKey(ref reader, 2) && reader.TryText(out parsed.Name)
            && TryKey(ref reader, 3) && reader.TryUnsigned(out parsed.Counter)
            && TryKey(ref reader, 4) && TryPolicy(ref reader, payload, ref parsed)
            && TryKey(ref reader, 5) && reader.TryBytes(out parsed.FilesDigest) && parsed.FilesDigest.Length == DigestLength
            && TryKey(ref reader, 6) && reader.TryUnsigned(out parsed.FilesLength)
            && TryKey(ref reader, 7) && reader.TryUnsigned(out parsed.TagsLength)
            && TryKey(ref reader, 8) && reader.TryBytes(out parsed.PublicKey) && parsed.PublicKey.Length == PublicKeyLength
            && reader.IsAtEnd;
        manifest = parsed;
        return good;
    }

    private static bool TryPolicy(scoped ref CborReader reader, ReadOnlySpan<byte> payload, ref Manifest manifest)
    {
        int start = reader.Position;
        bool good = reader.TryMap(out int keys) && keys == 11
            && TryKey(ref reader, 1) && reader.TryText(out manifest.EntryPoint)
            && TryKey(ref reader, 2) && TryRule(ref reader, payload, out manifest.ArgumentMode, out manifest.Arguments, out manifest.ArgumentCount)
            && TryKey(ref reader, 3) && TryRule(ref reader, payload, out manifest.EnvironmentMode, out manifest.Environment, out manifest.EnvironmentCount)
            && TryKey(ref reader, 4) && reader.TryBoolean(out manifest.AllowsJit)
            && TryKey(ref reader, 5) && reader.TryBoolean(out manifest.AllowsOutsideExec)
            && TryKey(ref reader, 6) && reader.TryBoolean(out manifest.IsDebug)
            && TryKey(ref reader, 7) && reader.TryText(out manifest.WorkingDirectory)
            && TryKey(ref reader, 8) && TryTexts(ref reader, payload, out manifest.OutsideNames, out manifest.OutsideNameCount)
            && TryKey(ref reader, 9) && TryTexts(ref reader, payload, out manifest.WritablePaths, out manifest.WritablePathCount)
            && TryKey(ref reader, 10) && TryTexts(ref reader, payload, out manifest.ClearPaths, out manifest.ClearPathCount)
            && manifest.WritablePathCount <= MaxOutsidePaths && manifest.ClearPathCount <= MaxOutsidePaths
            && TryKey(ref reader, 11) && reader.TryArray(out int limits) && limits == 2
            && reader.TryUnsigned(out manifest.MemoryLimit) && reader.TryUnsigned(out manifest.ProcessLimit);
        manifest.Policy = payload[start..reader.Position];
        return good;
    }

    private static bool TryRule(scoped ref CborReader reader, ReadOnlySpan<byte> payload, out RuleMode mode, out ReadOnlySpan<byte> texts, out int count)
    {
        mode = RuleMode.Fixed;
        texts = default;
        count = 0;
        if (!reader.TryArray(out int items) || items != 2 || !reader.TryUnsigned(out ulong number) || number > (ulong)RuleMode.Free)
        {
            return false;
        }

        mode = (RuleMode)number;
        return TryTexts(ref reader, payload, out texts, out count);
    }

    /// <summary>An array of text strings without NUL bytes.</summary>
    private static bool TryTexts(scoped ref CborReader reader, ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> texts, out int count)
    {
        texts = default;
        if (!reader.TryArray(out count))
        {
            return false;
        }

        int start = reader.Position;
        for (int i = 0; i < count; i++)
        {
            if (!reader.TryText(out ReadOnlySpan<byte> text) || text.IndexOf((byte)0) >= 0)
            {
                return false;
            }
        }

        texts = payload[start..reader.Position];
        return true;
    }

    private static bool TryKey(scoped ref CborReader reader, ulong key) => reader.TryUnsigned(out ulong number) && number == key;
}
