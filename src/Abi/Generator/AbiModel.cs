using System.Text.Json;
using System.Text.Json.Serialization;

namespace BlackBox.Abi.Generator;

/// <summary>The content of abi.json. Unknown keys are errors, so that a typing mistake cannot drop a field in silence.</summary>
internal sealed record AbiModel(
    [property: JsonPropertyName("$comment")] string? Comment,
    AbiVersion Version,
    ConstantGroup Constants,
    ValueGroup Errors,
    IReadOnlyList<CallGroup> Hypercalls,
    ValueGroup Services,
    IReadOnlyList<Structure> Structs)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = false,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>Reads and validates a description.</summary>
    /// <exception cref="AbiException">It contradicts itself.</exception>
    public static AbiModel Load(string path)
    {
        try
        {
            AbiModel model = JsonSerializer.Deserialize<AbiModel>(File.ReadAllBytes(path), Options) ?? throw new AbiException("empty description");
            Validation.Check(model);
            return model;
        }
        catch (JsonException exception)
        {
            throw new AbiException(exception.Message);
        }
    }
}

internal sealed record AbiVersion(int Major, int Minor);

internal sealed record ConstantGroup(string Doc, IReadOnlyList<Constant> Values);

internal sealed record Constant(string Name, string Type, string Value, string Doc)
{
    public ulong Number => Names.ParseNumber(Value);
}

internal sealed record ValueGroup(string Doc, IReadOnlyList<NamedValue> Values);

internal sealed record NamedValue(string Name, long Value, string Doc);

internal sealed record CallGroup(string Name, string Conduit, string Base, string Doc, IReadOnlyList<Call> Calls)
{
    public uint FirstNumber => checked((uint)Names.ParseNumber(Base));
}

internal sealed record Call(
    uint Number, string Name, IReadOnlyList<Parameter> Args, IReadOnlyList<Parameter> Results, IReadOnlyList<string> Errors, string Doc);

internal sealed record Parameter(string Name, string Doc);

internal sealed record Structure(string Name, int Size, string Doc, IReadOnlyList<StructureField> Fields);

internal sealed record StructureField(string Name, string Type, int Offset, string Doc, int Count = 1)
{
    public bool IsArray => Count > 1;
}

/// <summary>The description is wrong.</summary>
internal sealed class AbiException(string message) : Exception(message);
