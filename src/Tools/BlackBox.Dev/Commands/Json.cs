using System.Text.Json;

namespace BlackBox.Dev.Commands;

/// <summary>Results for programs: one JSON object on standard output.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static void Print<T>(T value) => Console.WriteLine(JsonSerializer.Serialize(value, Options));
}
