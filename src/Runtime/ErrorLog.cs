using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace BlackBox.Runtime;

/// <summary>Errors as runc reports them: on standard error, and in the file of --log, from which engines take their message.</summary>
internal static class ErrorLog
{
    public static void Write(CommandLine line, string message)
    {
        Console.Error.WriteLine($"blackbox-runtime: {message}");
        if (line.Log is null)
        {
            return;
        }

        var time = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        try
        {
            File.AppendAllText(line.Log, line.JsonLog ? Json(time, message) : $"time=\"{time}\" level=error msg=\"blackbox-runtime: {message.Replace("\"", "\\\"")}\"\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"blackbox-runtime: the log {line.Log} cannot be written");
        }
    }

    private static string Json(string time, string message)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("level", "error");
            writer.WriteString("msg", $"blackbox-runtime: {message}");
            writer.WriteString("time", time);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }
}
