using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace BlackBox.Runtime;

/// <summary>
/// What the TPM has said of this boot, as one JSON object with base64: <c>quote</c> (TPMS_ATTEST), <c>signature</c> (TPMT_SIGNATURE), <c>key</c> (TPMT_PUBLIC of the key that signed), <c>keys</c>
/// (the platform's public keys, for signing evidence and for wrapping content keys), <c>log</c> (the firmware's crypto-agile event log). All null: the boot was not measured. Whoever wants to rely on it checks the signature elsewhere.
/// </summary>
internal static class Platform
{
    // docs/boot.md
    private const int QuoteOffset = 8;
    private const int KeyOffset = 512;
    private const int PlatformKeysOffset = 768;
    private const int PlatformKeysLength = 192;
    private const int LogOffset = 1024;
    private const int SizeLength = 2;

    /// <exception cref="RuntimeException">There is no device, or it refuses.</exception>
    public static string ReadJson()
    {
        var evidence = GC.AllocateArray<byte>(Device.EvidenceSize, pinned: true);
        var address = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(address, Libc.AddressOf(evidence));
        if (Libc.Control(Device.Open(), Device.EvidenceRequest, address) is not 0 and var error)
        {
            throw new RuntimeException($"{Device.Path} does not give the platform's evidence (error {error})");
        }

        return Format(evidence);
    }

    /// <summary>The evidence as JSON. It comes from the operating system: nothing in it is believed beyond its own bounds.</summary>
    internal static string Format(ReadOnlySpan<byte> evidence)
    {
        var quote = Sized(evidence[QuoteOffset..KeyOffset]);
        var rest = evidence[QuoteOffset..KeyOffset][Math.Min(SizeLength + quote.Length, KeyOffset - QuoteOffset)..];
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            Write(json, "quote", quote);
            Write(json, "signature", quote.IsEmpty ? default : Signature(rest));
            Write(json, "key", Sized(evidence[KeyOffset..PlatformKeysOffset]));
            Write(json, "keys", quote.IsEmpty ? default : evidence.Slice(PlatformKeysOffset, PlatformKeysLength));
            Write(json, "log", quote.IsEmpty ? default : evidence[LogOffset..].TrimEnd((byte)0xff));
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    // Algorithm and hash, then r and s with their sizes.
    private static ReadOnlySpan<byte> Signature(ReadOnlySpan<byte> bytes)
    {
        var length = 2 * SizeLength;
        for (var i = 0; i < 2 && length + SizeLength <= bytes.Length; i++)
        {
            length += SizeLength + Sized(bytes[length..]).Length;
        }

        return bytes[..Math.Min(length, bytes.Length)];
    }

    private static ReadOnlySpan<byte> Sized(ReadOnlySpan<byte> bytes) =>
        bytes.Length < SizeLength ? default : bytes.Slice(SizeLength, Math.Min(BinaryPrimitives.ReadUInt16BigEndian(bytes), bytes.Length - SizeLength));

    private static void Write(Utf8JsonWriter json, string name, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            json.WriteNull(name);
        }
        else
        {
            json.WriteBase64String(name, value);
        }
    }
}
