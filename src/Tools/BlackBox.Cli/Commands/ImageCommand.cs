using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox image</c>.</summary>
internal static class ImageCommand
{
    public static Command Create() => new Command("image", "Makes, shows and checks protected images.")
    {
        ImageBuildCommand.Create(), ImageInspectCommand.Create(), ImageVerifyCommand.Create(),
    };
}

/// <summary>What the image commands have in common.</summary>
internal static class ImageText
{
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Argument<string> ImageArgument() => new("image") { Description = "OCI layout (folder or archive), docker archive, or folder with a root file system" };

    public static Option<string?> ReferenceOption() => new("--ref") { Description = "Which image of several", HelpName = "NAME" };

    public static Option<bool> JsonOption() => new("--json") { Description = "One JSON object on standard output" };
}
