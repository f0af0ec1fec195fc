using System.Security.Cryptography;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Recipes;

/// <summary>
/// Programs for the guest itself (not for containers): recipes in src/Guest, built once and kept in the cache, so that a
/// machine starts without asking apt anything.
/// </summary>
public static class GuestTools
{
    /// <summary>Stock runc.</summary>
    public const string ContainerTools = "container-tools";

    /// <summary>The files of a set of tools, for <see cref="MachineOptions.Files"/>.</summary>
    /// <param name="name">Name of a recipe in src/Guest.</param>
    public static async Task<RootFilesystem> OpenAsync(string name, GuestEnvironment guest, IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(guest);
        var json = Read(name);
        var archive = Path.Combine(guest.Cache, "guest", $"{name}-{Convert.ToHexStringLower(SHA256.HashData(json))[..16]}.tar");
        if (!File.Exists(archive))
        {
            var recipe = RecipeReader.Parse(json, "");
            var content = await new RecipeBuilder(guest.Cache, guest.Debian, progress).BuildAsync(recipe, cancellation).ConfigureAwait(false);
            await AtomicOutput.WriteFileAsync(archive, file =>
            {
                RootFilesystemTar.Write(content.Root, file);
                return Task.CompletedTask;
            }).ConfigureAwait(false);
        }

        var root = RootFilesystemTar.Read(archive);

        // Users, hosts and the like are the guest's own.
        _ = root.Remove(RootPath.Parse("/etc"));
        return root;
    }

    private static byte[] Read(string name)
    {
        using var stream = typeof(GuestEnvironment).Assembly.GetManifestResourceStream($"Guest/{name}.json")
            ?? throw new BlackBoxException($"there are no guest tools named '{name}'");
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
