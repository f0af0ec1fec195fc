using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace BlackBox.Building;

/// <summary>
/// A software bill of materials in CycloneDX 1.6 (ECMA-424), JSON. It says nothing about the time or the machine, so that equal input gives
/// an equal file; its serial number is derived from its content.
/// </summary>
public static class BillOfMaterials
{
    /// <summary>Version of the specification.</summary>
    public const string SpecificationVersion = "1.6";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a bill.</summary>
    /// <param name="artefact">What it is about.</param>
    /// <param name="type">CycloneDX's word for what it is.</param>
    /// <param name="version">The product's.</param>
    /// <param name="license">SPDX expression.</param>
    /// <param name="components">What it is made of and with; names must differ.</param>
    /// <returns>The file's text.</returns>
    public static string Create(Artefact artefact, string type, string version, string license, IReadOnlyList<BillComponent> components)
    {
        ArgumentNullException.ThrowIfNull(artefact);
        ArgumentNullException.ThrowIfNull(components);
        var root = Reference(artefact.Name);
        var own = new JsonObject
        {
            ["type"] = type,
            ["bom-ref"] = root,
            ["name"] = artefact.Name,
            ["version"] = version,
            ["hashes"] = Hashes("SHA-256", artefact.Digest),
            ["licenses"] = Licenses(license),
        };
        var bill = new JsonObject
        {
            ["bomFormat"] = "CycloneDX",
            ["specVersion"] = SpecificationVersion,
            ["version"] = 1,
            ["metadata"] = new JsonObject
            {
                ["tools"] = new JsonObject { ["components"] = new JsonArray(new JsonObject { ["type"] = "application", ["name"] = "blackbox build", ["version"] = version }) },
                ["component"] = own,
            },
            ["components"] = new JsonArray([.. components.Select(Describe)]),
            ["dependencies"] = Dependencies(root, components),
        };

        // RFC 9562, version 8: the content's digest.
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(bill.ToJsonString(Json)))[..16];
        digest[6] = (byte)((digest[6] & 0x0f) | 0x80);
        digest[8] = (byte)((digest[8] & 0x3f) | 0x80);
        bill.Insert(2, "serialNumber", $"urn:uuid:{new Guid(digest, bigEndian: true)}");
        return bill.ToJsonString(Json) + "\n";
    }

    private static JsonObject Describe(BillComponent component)
    {
        var result = new JsonObject
        {
            ["type"] = component.Type,
            ["bom-ref"] = Reference(component),
            ["name"] = component.Name,
            ["version"] = component.Version,
            ["scope"] = component.IsPart ? "required" : "excluded",
        };
        if (component.Hash is { } hash)
        {
            result["hashes"] = Hashes(hash.Algorithm, hash.Digest);
        }

        if (component.License is { } license)
        {
            result["licenses"] = Licenses(license);
        }

        if (component.PackageUrl is { } url)
        {
            result["purl"] = url;
        }

        return result;
    }

    private static JsonArray Dependencies(string root, IReadOnlyList<BillComponent> components)
    {
        var references = components.ToDictionary(component => component.Name, Reference, StringComparer.OrdinalIgnoreCase);
        var needed = components.SelectMany(component => component.Needs).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return new JsonArray(
        [
            One(root, components.Where(component => !needed.Contains(component.Name)).Select(Reference)),
            .. components.Select(component => One(Reference(component), component.Needs.Select(name => references[name]))),
        ]);

        static JsonNode One(string reference, IEnumerable<string> on) => new JsonObject { ["ref"] = reference, ["dependsOn"] = new JsonArray([.. on.Select(other => (JsonNode)other)]) };
    }

    private static string Reference(BillComponent component) => component.PackageUrl ?? Reference(component.Name);

    private static string Reference(string name) => "blackbox:" + name;

    private static JsonArray Hashes(string algorithm, string digest) => new(new JsonObject { ["alg"] = algorithm, ["content"] = digest });

    /// <summary>An expression of one licence is one too; so it need not be told which licences have an identifier.</summary>
    private static JsonArray Licenses(string expression) => new(new JsonObject { ["expression"] = expression });
}
