using System.Buffers.Binary;

namespace BlackBox.Boot;

/// <summary>One measurement of the firmware's or the loader's.</summary>
/// <param name="Register">number of the PCR</param>
/// <param name="Type">EV_... of the TCG PC Client Platform Firmware Profile</param>
/// <param name="Digest">SHA-256 that went into the register</param>
/// <param name="Data">what the log says about it: a hint, unless its digest is that of the data</param>
public sealed record BootEvent(int Register, uint Type, byte[] Digest, byte[] Data);

/// <summary>
/// A firmware's log of measurements, crypto-agile (TCG PC Client Platform Firmware Profile 1.05, chapter 10). The log itself is nobody's word: it says something only
/// if <see cref="Replay"/> gives what a TPM has signed.
/// </summary>
public sealed class EventLog
{
    private const int HighestRegister = 23;
    private const uint NoAction = 3;
    private const uint Application = 0x8000_0003;    // EV_EFI_BOOT_SERVICES_APPLICATION
    private const ushort Sha256Algorithm = 0x0b;
    private const int DigestLength = 32;
    private static ReadOnlySpan<byte> Locality => "StartupLocality\0"u8;

    private EventLog(IReadOnlyList<BootEvent> events) => Events = events;

    public IReadOnlyList<BootEvent> Events { get; }

    /// <summary>Reads a log, up to the first bytes that are no event.</summary>
    /// <exception cref="FormatException">It does not begin as such a log does, or has no SHA-256.</exception>
    public static EventLog Read(ReadOnlySpan<byte> log)
    {
        try
        {
            return new EventLog(ReadEvents(log));
        }
        catch (ArgumentOutOfRangeException error)
        {
            throw new FormatException("the event log is cut", error);
        }
    }

    /// <summary>What a register holds after all events.</summary>
    /// <param name="application">digest of another application (<see cref="BootMeasurements.ApplicationDigest"/>) in place of the last one of the register</param>
    public byte[] Replay(int register, byte[]? application = null)
    {
        var value = new byte[DigestLength];
        var replaced = application is null ? null : Events.LastOrDefault(item => item.Register == register && item.Type == Application);
        foreach (var item in Events.Where(item => item.Register == register))
        {
            if (item.Type != NoAction)
            {
                value = BootMeasurements.Extend(value, ReferenceEquals(item, replaced) ? application! : item.Digest);
            }
            else if (item.Data.AsSpan().StartsWith(Locality) && item.Data.Length == Locality.Length + 1)
            {
                value[^1] = item.Data[^1];
            }
        }

        return value;
    }

    private static List<BootEvent> ReadEvents(ReadOnlySpan<byte> log)
    {
        // The first event has the old form and lists the digests of the others (TCG_EfiSpecIDEvent).
        const int FirstHeader = 32;
        var head = log.Slice(FirstHeader, Length(log[28..]));
        if (Number(log[4..]) != NoAction || !head.StartsWith("Spec ID Event03\0"u8))
        {
            throw new FormatException("no crypto-agile event log");
        }

        var sizes = new Dictionary<ushort, int>();
        for (var i = 0; i < Length(head[24..]); i++)
        {
            sizes[BinaryPrimitives.ReadUInt16LittleEndian(head[(28 + (4 * i))..])] = BinaryPrimitives.ReadUInt16LittleEndian(head[(30 + (4 * i))..]);
        }

        if (sizes.GetValueOrDefault(Sha256Algorithm) != DigestLength)
        {
            throw new FormatException("the event log has no SHA-256");
        }

        var events = new List<BootEvent>();
        var rest = log[(FirstHeader + head.Length)..];
        while (rest.Length > 12 && Number(rest) <= HighestRegister && Length(rest[8..]) == sizes.Count)
        {
            var (register, type) = ((int)Number(rest), Number(rest[4..]));
            byte[] digest = [];
            rest = rest[12..];
            for (var i = 0; i < sizes.Count; i++)
            {
                var algorithm = BinaryPrimitives.ReadUInt16LittleEndian(rest);
                var size = sizes.TryGetValue(algorithm, out var known) ? known : throw new FormatException("an event has a digest that the log does not announce");
                digest = algorithm == Sha256Algorithm ? rest.Slice(2, size).ToArray() : digest;
                rest = rest[(2 + size)..];
            }

            var data = rest.Slice(4, Length(rest)).ToArray();
            rest = rest[(4 + data.Length)..];
            events.Add(new BootEvent(register, type, digest, data));
        }

        return events;
    }

    private static uint Number(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private static int Length(ReadOnlySpan<byte> bytes) => (int)Math.Min(Number(bytes), int.MaxValue / 2);
}
