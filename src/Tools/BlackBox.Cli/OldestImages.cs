using System.CommandLine;
using System.Globalization;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Cli;

/// <summary>Images than which a machine starts none that is older: a word of its kernel's command line, which the shields obey (docs/boot.md).</summary>
internal static class OldestImages
{
    // The loader's own limit is a little more.
    private const int LongestCommandLine = 2047;

    public static Option<string[]> Option() => new("--oldest")
    {
        Description = "Refuse versions of this protected image with a lower counter than this one has. Repeatable",
        HelpName = "IMAGE",
        DefaultValueFactory = _ => [],
    };

    /// <summary>The word for these images; empty for none.</summary>
    /// <exception cref="BlackBoxException">One is no protected image, or has a name that cannot stand there.</exception>
    public static string Word(IReadOnlyList<string> images, CancellationToken cancellation = default) =>
        images.Count == 0 ? "" : "blackbox.images=" + string.Join(',', images.Select(image => Item(image, cancellation)));

    /// <summary>A command line with the word for these images.</summary>
    /// <exception cref="BlackBoxException">Also: it is longer than the monitor's loader takes.</exception>
    public static string Append(string commandLine, IReadOnlyList<string> images, CancellationToken cancellation)
    {
        var whole = $"{commandLine} {Word(images, cancellation)}".Trim();
        return whole.Length <= LongestCommandLine && whole.All(letter => letter is >= ' ' and <= '~')
            ? whole
            : throw new BlackBoxException($"the kernel's command line has to be printable ASCII of at most {LongestCommandLine} characters");
    }

    private static string Item(string image, CancellationToken cancellation)
    {
        try
        {
            using var opened = OpenedImage.Open(image, null, cancellation: cancellation);
            var stored = StoredImage.Read(opened.Content.Root);
            var name = stored.Manifest.Name;
            return name.Length > 0 && name.All(letter => letter is > ' ' and <= '~' and not (',' or '"'))
                ? string.Create(CultureInfo.InvariantCulture, $"{stored.PublisherDigest}:{name}:{stored.Manifest.Counter}")
                : throw new BlackBoxException($"{image}: its name '{name}' cannot stand in a kernel's command line", "letters, digits and punctuation but comma and quote; choose another with image build --name");
        }
        catch (Exception error) when (error is InvalidDataException or ImageRefusedException or IOException)
        {
            throw new BlackBoxException($"{image} is no protected image: {error.Message}", null, error);
        }
    }
}
