using System.Buffers.Binary;

namespace BlackBox.Attestation;

/// <summary>TPMS_ATTEST of a quote (TPM 2.0 Library, part 2, sections 10.12.8 and 10.12.12): what a TPM's attestation key signs. The bytes are untrusted.</summary>
public sealed class TpmQuote
{
    private const uint GeneratedValue = 0xff54_4347;
    private const ushort AttestQuote = 0x8018;
    private const ushort AlgorithmSha256 = 0x000b;
    private const int ClockInformationLength = 17;
    private const int FirmwareVersionLength = 8;
    private const int MaximumSelect = 4;

    private TpmQuote(byte[] extraData, IReadOnlyList<int> registers, byte[] registerDigest)
    {
        ExtraData = extraData;
        Registers = registers;
        RegisterDigest = registerDigest;
    }

    /// <summary>What the caller of TPM2_Quote wanted to be in it.</summary>
    public byte[] ExtraData { get; }

    /// <summary>Registers of the SHA-256 bank that were quoted, in ascending order.</summary>
    public IReadOnlyList<int> Registers { get; }

    /// <summary>SHA-256 of their values, one after the other.</summary>
    public byte[] RegisterDigest { get; }

    /// <exception cref="EvidenceFormatException">It is no quote over the SHA-256 bank.</exception>
    public static TpmQuote Parse(ReadOnlySpan<byte> data)
    {
        var reader = new Reader(data);
        Require(reader.Number(4) == GeneratedValue, "it was not made by a TPM");
        Require(reader.Number(2) == AttestQuote, "it is no quote");
        _ = reader.Sized();    // the key's name: the signature tells which it was
        var extra = reader.Sized();
        _ = reader.Take(ClockInformationLength + FirmwareVersionLength);
        Require(reader.Number(4) == 1 && reader.Number(2) == AlgorithmSha256, "other banks of registers than SHA-256");
        var length = (int)reader.Number(1);
        Require(length <= MaximumSelect, "too many registers");
        var select = reader.Take(length);
        var digest = reader.Sized();
        Require(digest.Length == Evidence.DigestLength, "the registers' digest is no SHA-256");
        Require(reader.IsAtEnd, "bytes behind its end");
        List<int> registers = [];
        for (var i = 0; i < 8 * length; i++)
        {
            if ((select[i / 8] >> (i % 8) & 1) != 0)
            {
                registers.Add(i);
            }
        }

        return new TpmQuote(extra.ToArray(), registers, digest.ToArray());
    }

    internal static void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new EvidenceFormatException($"the TPM's quote: {otherwise}");
        }
    }

    /// <summary>Numbers and sized buffers as TPMs marshal them: big-endian, a 16-bit length before a buffer.</summary>
    internal ref struct Reader(ReadOnlySpan<byte> data)
    {
        private ReadOnlySpan<byte> _rest = data;

        public readonly bool IsAtEnd => _rest.IsEmpty;

        public uint Number(int bytes)
        {
            var field = Take(bytes);
            return bytes switch { 1 => field[0], 2 => BinaryPrimitives.ReadUInt16BigEndian(field), _ => BinaryPrimitives.ReadUInt32BigEndian(field) };
        }

        public ReadOnlySpan<byte> Sized() => Take((int)Number(2));

        public ReadOnlySpan<byte> Take(int bytes)
        {
            Require(bytes <= _rest.Length, "it is cut off");
            var taken = _rest[..bytes];
            _rest = _rest[bytes..];
            return taken;
        }
    }
}
