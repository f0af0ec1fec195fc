using System.Text.Json;

namespace BlackBox.Runtime;

/// <summary>The OCI bundle (opencontainers/runtime-spec 1.0, bundle.md): is there a protected image in it?</summary>
internal static class Bundle
{
    private const long LargestSpecification = 16 << 20;

    private static readonly string[] Parts = ["manifest", "files", "tags", "key"];

    /// <exception cref="RuntimeException">It is no bundle, or its root file system is not that of a protected image.</exception>
    public static void Check(string bundle)
    {
        var specification = Path.Combine(bundle, "config.json");
        var root = Path.Combine(bundle, ReadRoot(specification));
        foreach (var part in Parts)
        {
            var file = Path.Combine(root, ".blackbox", part);
            if (!File.Exists(file))
            {
                throw new RuntimeException($"{file} is missing: the image is not protected; make it with build_bb_image, or start the container with runc");
            }
        }
    }

    private static string ReadRoot(string specification)
    {
        try
        {
            using var file = new FileStream(specification, FileMode.Open, FileAccess.Read);
            if (file.Length > LargestSpecification)
            {
                throw new RuntimeException($"{specification} is too large");
            }

            using var document = JsonDocument.Parse(file);
            var json = document.RootElement;
            if (json.ValueKind != JsonValueKind.Object ||
                !json.TryGetProperty("root", out var root) || root.ValueKind != JsonValueKind.Object ||
                !root.TryGetProperty("path", out var path) || path.ValueKind != JsonValueKind.String || path.GetString() is not { Length: > 0 } text)
            {
                throw new RuntimeException($"{specification} names no root file system (root.path)");
            }

            if (!json.TryGetProperty("process", out var process) || process.ValueKind != JsonValueKind.Object ||
                !process.TryGetProperty("args", out var words) || words.ValueKind != JsonValueKind.Array || words.GetArrayLength() == 0)
            {
                throw new RuntimeException($"{specification} names no program (process.args)");
            }

            return text;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RuntimeException($"{specification} cannot be read: {Reason(error)}");
        }
        catch (JsonException error)
        {
            throw new RuntimeException($"{specification} is not valid JSON (line {error.LineNumber + 1})");
        }
    }

    private static string Reason(Exception error) => error switch
    {
        FileNotFoundException or DirectoryNotFoundException => "it does not exist",
        UnauthorizedAccessException => "no permission",
        _ => "input/output error",
    };
}
