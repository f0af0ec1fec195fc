using System.Security.Cryptography;
using BlackBox.Building;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;
using BlackBox.Recipes;

namespace BlackBox.Containers;

/// <summary>
/// Finds the image that a user names. Ordinary images are protected when a protected one is wanted, with a publisher's key
/// of this cache: good enough to try things, while real publishers use <c>build_bb_image</c>. What is made from a recipe
/// is kept in the cache, under a digest of everything it was made from.
/// </summary>
public sealed class ImageSource(GuestEnvironment guest, IProgress<StepUpdate> progress)
{
    private const string KeyName = "development";

    /// <param name="image">OCI layout, OCI or docker archive, folder with a root file system, recipe file, or name of a recipe.</param>
    /// <param name="reference">Which of several images in a layout or archive; null when there is one.</param>
    /// <param name="wantProtected">The protected image, or the ordinary one.</param>
    /// <exception cref="BlackBoxException">There is no such image, it is damaged, or an ordinary one is wanted where there is only a protected one.</exception>
    public async Task<ReadyImage> OpenAsync(string image, string? reference, bool wantProtected, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(image);
        var isRecipeFile = image.EndsWith(".json", StringComparison.Ordinal) && File.Exists(image);
        if (isRecipeFile || !Path.Exists(image))
        {
            if (!isRecipeFile && (image.Contains('/') || image.EndsWith(".tar", StringComparison.Ordinal)))
            {
                throw new BlackBoxException($"there is no image {image}");
            }

            return await OpenRecipeAsync(image, wantProtected, cancellation).ConfigureAwait(false);
        }

        var opened = OpenHost(image, reference, cancellation);
        try
        {
            var isProtected = StoredImage.IsProtected(opened.Content.Root);
            if (isProtected && !wantProtected)
            {
                throw new BlackBoxException($"{image} is a protected image, which plain runc cannot start", "name the ordinary image that it was made from, or leave --native out");
            }

            if (isProtected)
            {
                // A look at its form, so that a damaged image is refused here with a clear message. The shield checks all of it.
                _ = StoredImage.Read(opened.Content.Root);
            }

            return new ReadyImage(wantProtected && !isProtected ? Protect(opened.Content, cancellation) : opened.Content, opened);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Protects with the development key of a publisher.</summary>
    /// <param name="platform">for this platform alone; null: for every development build</param>
    public ImageContent Protect(ImageContent content, CancellationToken cancellation, PlatformKey? platform = null)
    {
        using var key = OpenKey();
        var options = platform is null ? new ProtectionOptions() : new ProtectionOptions { Platforms = [platform] };
        return ImageProtector.Protect(content, options, key, progress, cancellation).Content;
    }

    private OpenedImage OpenHost(string image, string? reference, CancellationToken cancellation)
    {
        try
        {
            return OpenedImage.Open(image, reference, progress: progress, cancellation: cancellation);
        }
        catch (Exception error) when (error is InvalidDataException or ImageRefusedException)
        {
            throw new BlackBoxException($"{image} cannot be used as an image: {error.Message}", "expected an OCI layout, an OCI or docker archive, or a folder with a root file system", error);
        }
    }

    private async Task<ReadyImage> OpenRecipeAsync(string name, bool wantProtected, CancellationToken cancellation)
    {
        var recipe = RecipeReader.Find(name, BlackBoxPaths.RepositoryOrNull);
        var archive = Path.Combine(guest.Cache, "images", $"{recipe.Name}-{(wantProtected ? "protected" : "plain")}-{Digest(recipe, name, wantProtected)}.tar");
        if (!File.Exists(archive))
        {
            var content = await new RecipeBuilder(guest.Cache, guest.Debian, progress).BuildAsync(recipe, cancellation).ConfigureAwait(false);
            if (wantProtected)
            {
                content = Protect(content, cancellation);
            }

            Directory.CreateDirectory(Path.GetDirectoryName(archive)!);
            RemoveOlder(archive);
            _ = await new OciWriter(content, new Dictionary<string, string>(), DateTimeOffset.UnixEpoch, progress, cancellation).WriteArchiveAsync(archive).ConfigureAwait(false);
        }

        var opened = OpenedImage.Open(archive, progress: progress, cancellation: cancellation);
        return new ReadyImage(opened.Content with { Configuration = opened.Content.Configuration with { Name = recipe.Name } }, opened);
    }

    /// <summary>Images of the same recipe that will not be asked for again. One that is just being read stays readable.</summary>
    private static void RemoveOlder(string archive)
    {
        var name = Path.GetFileNameWithoutExtension(archive);
        foreach (var older in Directory.EnumerateFiles(Path.GetDirectoryName(archive)!, name[..(name.LastIndexOf('-') + 1)] + "*.tar"))
        {
            File.Delete(older);
        }
    }

    /// <summary>Everything that the image is made from: the recipe with its own files, Debian's package lists, the key and the tools.</summary>
    private string Digest(Recipe recipe, string name, bool wantProtected)
    {
        var file = File.Exists(name) ? Path.GetFullPath(name) : Path.Combine(BlackBoxPaths.Repository, "recipes", name + ".json");
        var sources = recipe.Files.Values.Select(item => item.Source).OfType<string>().Select(item => Path.GetFullPath(Path.Combine(recipe.Folder, item)));
        List<string> settings = [Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))];
        foreach (var assembly in (System.Reflection.Assembly[])[typeof(ImageProtector).Assembly, typeof(RecipeBuilder).Assembly])
        {
            settings.Add(assembly.ManifestModule.ModuleVersionId.ToString());
        }

        if (wantProtected)
        {
            using var key = OpenKey();
            settings.Add(Convert.ToHexStringLower(key.Digest));
        }

        return BuildInputs.Digest("/", [.. sources, Path.Combine(guest.Cache, "apt", "arm64", "lists.stamp")], settings)[..16];
    }

    private PublisherKey OpenKey()
    {
        var store = new KeyStore(Path.Combine(guest.Cache, "keys"));
        return File.Exists(store.PathOf(KeyName)) ? store.Open(KeyName) : store.Create(KeyName);
    }
}
