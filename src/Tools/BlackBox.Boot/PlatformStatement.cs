using System.Security.Cryptography;
using System.Text.Json;
using BlackBox.Attestation;

namespace BlackBox.Boot;

/// <summary>
/// What a machine says of its boot (<c>blackbox-runtime platform</c>): its TPM's quote, the firmware's log that explains it, the platform's public keys that the TPM
/// vouches for. It comes by way of the operating system: only what the TPM has signed is to be believed, and only if that TPM is known.
/// </summary>
public sealed class PlatformStatement
{
    private const int KeyLength = 96;

    private PlatformStatement(PlatformEndorsement endorsement, byte[] keys) => (Endorsement, Keys) = (endorsement, keys);

    /// <summary>The same in the form that verifiers of evidence take.</summary>
    public PlatformEndorsement Endorsement { get; }

    /// <summary>The key that signs evidence, X ‖ Y on P-384.</summary>
    public byte[] AttestationKey => Keys[..KeyLength];

    /// <summary>The key that content keys are wrapped for, X ‖ Y on P-384.</summary>
    public byte[] UnwrappingKey => Keys[KeyLength..];

    /// <summary>SHA-256 of the TPM's own key (DER SubjectPublicKeyInfo), as reference values name it.</summary>
    public byte[] TpmKeyDigest => SHA256.HashData(Endorsement.AttestationKey);

    private byte[] Keys { get; }

    /// <summary>Reads it, and checks that its parts belong together: the quote's signature, the keys that it names, and the registers that the log leads to.</summary>
    /// <exception cref="FormatException">Something of it is not so, or the boot was not measured; the message says what.</exception>
    public static PlatformStatement Parse(string json)
    {
        byte[] quote, signature, key, keys, log;
        try
        {
            using var document = JsonDocument.Parse(json);
            byte[] Field(string name) => document.RootElement.GetProperty(name) is { ValueKind: JsonValueKind.String } value
                ? value.GetBytesFromBase64()
                : throw new FormatException($"the machine's boot was not measured: it has no '{name}'");
            (quote, signature, key, keys, log) = (Field("quote"), Field("signature"), Field("key"), Field("keys"), Field("log"));
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException("this is not what blackbox-runtime platform prints", error);
        }

        var said = TpmQuote.Verify(quote, signature, key);
        if (keys.Length != 2 * KeyLength || !said.Qualifier.AsSpan().SequenceEqual(SHA256.HashData(keys)))
        {
            throw new FormatException("the TPM has signed other keys of the platform");
        }

        var events = EventLog.Read(log);
        var registers = TpmQuote.Registers.ToDictionary(register => register, register => events.Replay(register));
        if (!said.RegistersDigest.AsSpan().SequenceEqual(SHA256.HashData([.. TpmQuote.Registers.SelectMany(register => registers[register])])))
        {
            throw new FormatException("the log does not lead to the registers that the TPM has signed");
        }

        using var signer = TpmQuote.ReadKey(key);
        return new PlatformStatement(
            new PlatformEndorsement { AttestationKey = signer.ExportSubjectPublicKeyInfo(), Quote = quote, Signature = signature, Registers = registers }, keys);
    }
}
