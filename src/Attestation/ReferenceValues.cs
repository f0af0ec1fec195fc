using System.Text.Json;
using System.Text.Json.Serialization;

namespace BlackBox.Attestation;

/// <summary>An image that is accepted. What is not given is not looked at; <see cref="Manifest"/> or <see cref="Publisher"/> must be.</summary>
public sealed record ReferenceImage
{
    /// <summary>What people call it; compared with the image's name only if <see cref="Publisher"/> is given and not <see cref="Manifest"/>.</summary>
    public string? Name { get; init; }

    /// <summary>SHA-256 of the manifest: exactly this build of the image.</summary>
    public byte[]? Manifest { get; init; }

    /// <summary>SHA-256 of the policy in the manifest.</summary>
    public byte[]? Policy { get; init; }

    /// <summary>SHA-256 of the publisher's public key.</summary>
    public byte[]? Publisher { get; init; }

    /// <summary>The least version counter.</summary>
    public ulong MinimumCounter { get; init; }
}

/// <summary>What a TPM must have said about a platform, for platforms that are not named by their key.</summary>
public sealed record ReferenceTpm
{
    /// <summary>SHA-256 of the attestation keys of TPMs that are trusted (DER SubjectPublicKeyInfo). How they came to be trusted is the owner's business.</summary>
    public IReadOnlyList<byte[]> AttestationKeys { get; init; } = [];

    /// <summary>Values that registers must have (SHA-256 bank).</summary>
    public IReadOnlyDictionary<int, byte[]> Registers { get; init; } = new Dictionary<int, byte[]>();
}

/// <summary>
/// What a verifier believes in: the policy that evidence is held against. An empty list accepts nothing, and what is not said is strict.
/// In JSON: names in camelCase, digests and keys in hexadecimal (docs/trust.md).
/// </summary>
public sealed record ReferenceValues
{
    /// <summary>Version of this file's form.</summary>
    public const int CurrentVersion = 1;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        WriteIndented = true,
        Converters = { new HexadecimalConverter() },
    };

    public int Version { get; init; } = CurrentVersion;

    /// <summary>Attestation keys of platforms, X ‖ Y.</summary>
    public IReadOnlyList<byte[]> Platforms { get; init; } = [];

    /// <summary>For platforms that are not named but endorsed by a TPM; null: none is accepted.</summary>
    public ReferenceTpm? Tpm { get; init; }

    /// <summary>SHA-256 of monitors' images.</summary>
    public IReadOnlyList<byte[]> Monitors { get; init; } = [];

    /// <summary>SHA-256 of boot manifests; null: not looked at.</summary>
    public IReadOnlyList<byte[]>? BootManifests { get; init; }

    /// <summary>SHA-256 of shields.</summary>
    public IReadOnlyList<byte[]> Shields { get; init; } = [];

    public IReadOnlyList<ReferenceImage> Images { get; init; } = [];

    /// <summary>Must the boot have been measured?</summary>
    public bool RequireMeasured { get; init; } = true;

    public bool RequireSecureBoot { get; init; } = true;

    /// <summary>Must the root key be sealed to the measurements?</summary>
    public bool RequireSealedKey { get; init; } = true;

    public bool RequireDmaProtection { get; init; } = true;

    /// <summary>Accept development builds and their public key? For tests only: anybody can make such evidence.</summary>
    public bool AllowDevelopmentKey { get; init; }

    /// <summary>Accept a platform or an image that can be debugged?</summary>
    public bool AllowDebug { get; init; }

    /// <exception cref="FormatException">It is not of this form; the message says where.</exception>
    public static ReferenceValues Parse(string json)
    {
        ReferenceValues values;
        try
        {
            values = JsonSerializer.Deserialize<ReferenceValues>(json, Json) ?? throw new FormatException("the reference values are null");
        }
        catch (JsonException error)
        {
            throw new FormatException($"the reference values: {error.Message}", error);
        }

        values.Check();
        return values;
    }

    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    private void Check()
    {
        Require(Version == CurrentVersion, $"version {Version} is not known");
        Require(Platforms.All(key => key.Length == Evidence.PublicKeyLength), "a platform's key has another length than 96 bytes");
        Require(All(Monitors) && All(BootManifests) && All(Shields) && All(Tpm?.AttestationKeys) && All(Tpm?.Registers.Values), "a digest has another length than 32 bytes");
        Require(Tpm is null || (Tpm.AttestationKeys.Count > 0 && Tpm.Registers.Count > 0 && Tpm.Registers.Keys.All(index => index is >= 0 and < 24)),
            "tpm needs attestation keys, and registers from 0 to 23");
        foreach (var image in Images)
        {
            Require(image.Manifest is not null || image.Publisher is not null, "an image needs a manifest or a publisher");
            Require(All(((byte[]?[])[image.Manifest, image.Policy, image.Publisher]).OfType<byte[]>()), "a digest of an image has another length than 32 bytes");
        }

        static bool All(IEnumerable<byte[]>? digests) => digests?.All(digest => digest.Length == Evidence.DigestLength) != false;
        static void Require(bool condition, string otherwise)
        {
            if (!condition)
            {
                throw new FormatException($"the reference values: {otherwise}");
            }
        }
    }

    private sealed class HexadecimalConverter : JsonConverter<byte[]>
    {
        public override byte[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            try
            {
                return Convert.FromHexString(reader.GetString() ?? "");
            }
            catch (Exception error) when (error is FormatException or InvalidOperationException)
            {
                throw new JsonException("not a string of hexadecimal digits", error);
            }
        }

        public override void Write(Utf8JsonWriter writer, byte[] value, JsonSerializerOptions options) => writer.WriteStringValue(Convert.ToHexStringLower(value));
    }
}
