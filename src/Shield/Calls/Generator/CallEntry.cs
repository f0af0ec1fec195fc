using System.Text.Json.Serialization;

namespace BlackBox.Shield.Calls.Generator;

/// <summary>One call in calls.json.</summary>
internal sealed record CallEntry(
    [property: JsonPropertyName("number")] int Number,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("support")] string Support,
    [property: JsonPropertyName("handler")] string? Handler,
    [property: JsonPropertyName("args")] IReadOnlyList<string>? Args,
    [property: JsonPropertyName("result")] string? Result,
    [property: JsonPropertyName("error")] string? Error,
    [property: JsonPropertyName("note")] string? Note);

/// <summary>calls.json.</summary>
internal sealed record CallFile([property: JsonPropertyName("calls")] IReadOnlyList<CallEntry> Calls);
