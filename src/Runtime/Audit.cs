using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace BlackBox.Runtime;

/// <summary>
/// What the monitor refused, newest last, as one JSON object: <c>written</c> (records since boot; the ring keeps the last ones) and <c>records</c>, each with
/// <c>number</c>, <c>seconds</c> since boot, <c>cpu</c>, <c>enclave</c> (null: none), <c>rule</c>, <c>call</c>, <c>argument</c>, <c>outcome</c>, and
/// <c>suppressed</c>: how many the monitor left out before it to limit their rate.
/// </summary>
internal static class Audit
{
    private const int HeaderBytes = 64;
    private const int RecordBytes = 64;

    // The constants AuditRule... of src/Abi/abi.json, from 1.
    private static readonly string[] Rules =
        ["unknown", "os-call", "shield-call", "smc", "os-access", "os-trap", "gate", "interrupt-controller", "enclave-stopped", "dma", "image"];

    /// <exception cref="RuntimeException">There is no device, or it refuses.</exception>
    public static string ReadJson()
    {
        var ring = new byte[Device.AuditSize];
        if (Libc.Control(Device.Open(), Device.AuditRequest, ring) is not 0 and var error)
        {
            throw new RuntimeException($"{Device.Path} does not give the audit records (error {error})");
        }

        return Format(ring);
    }

    /// <summary>The ring (AuditHeader and AuditRecords of src/Abi/abi.json) as JSON. It comes from the operating system: nothing in it is believed
    /// beyond its own bounds.</summary>
    internal static string Format(ReadOnlySpan<byte> ring)
    {
        var capacity = Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(ring[4..]), (uint)((ring.Length - HeaderBytes) / RecordBytes));
        var written = BinaryPrimitives.ReadUInt64LittleEndian(ring[8..]);
        var frequency = BinaryPrimitives.ReadUInt64LittleEndian(ring[16..]);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("written", written);
            json.WriteStartArray("records");
            for (var number = written > capacity ? written - capacity + 1 : 1; capacity > 0 && number <= written; number++)
            {
                var record = ring.Slice(HeaderBytes + ((int)((number - 1) % capacity) * RecordBytes), RecordBytes);
                if (BinaryPrimitives.ReadUInt64LittleEndian(record) == number)
                {
                    WriteRecord(json, record, frequency);
                }
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteRecord(Utf8JsonWriter json, ReadOnlySpan<byte> record, ulong frequency)
    {
        json.WriteStartObject();
        json.WriteNumber("number", BinaryPrimitives.ReadUInt64LittleEndian(record));
        json.WriteNumber("seconds", frequency == 0 ? 0 : Math.Round((double)BinaryPrimitives.ReadUInt64LittleEndian(record[8..]) / frequency, 6));
        json.WriteNumber("cpu", BinaryPrimitives.ReadUInt32LittleEndian(record[16..]));
        var enclave = BinaryPrimitives.ReadUInt32LittleEndian(record[20..]);
        if (enclave == uint.MaxValue)
        {
            json.WriteNull("enclave");
        }
        else
        {
            json.WriteNumber("enclave", enclave);
        }

        var rule = BinaryPrimitives.ReadUInt32LittleEndian(record[24..]);
        json.WriteString("rule", Rules[rule < Rules.Length ? rule : 0]);
        json.WriteNumber("suppressed", BinaryPrimitives.ReadUInt32LittleEndian(record[28..]));
        json.WriteString("call", $"0x{BinaryPrimitives.ReadUInt64LittleEndian(record[32..]):x}");
        json.WriteString("argument", $"0x{BinaryPrimitives.ReadUInt64LittleEndian(record[40..]):x}");
        json.WriteNumber("outcome", BinaryPrimitives.ReadInt64LittleEndian(record[48..]));
        json.WriteEndObject();
    }
}
