using System.Text.Json.Nodes;
using System.Xml.Linq;
using BlackBox.Hosting;

namespace BlackBox.Building;

/// <summary>The packages of a project as NuGet's restore resolved them: obj/project.assets.json, the lists that the compiler was given.</summary>
public static class NuGetAssets
{
    /// <summary>A pack of static libraries that ahead-of-time compilation links into the program.</summary>
    private const string LinkedPack = "microsoft.netcore.app.runtime.nativeaot.";

    /// <summary>Reads them, in order of their names.</summary>
    /// <param name="file">project.assets.json</param>
    /// <exception cref="BlackBoxException">It is missing or of another form.</exception>
    public static IReadOnlyList<BillComponent> Read(string file)
    {
        try
        {
            var assets = JsonNode.Parse(File.ReadAllText(file))!;
            var folders = assets["packageFolders"]!.AsObject().Select(folder => folder.Key).ToList();
            var found = new SortedDictionary<string, BillComponent>(StringComparer.OrdinalIgnoreCase);
            foreach (var (name, item) in assets["targets"]!.AsObject().SelectMany(target => target.Value!.AsObject()))
            {
                if ((string?)item!["type"] == "package")
                {
                    var (id, version) = (name[..name.IndexOf('/')], name[(name.IndexOf('/') + 1)..]);
                    Add(found, Describe(folders, id, version, isPart: HasAssemblies(item), (string?)assets["libraries"]![name]!["sha512"]) with
                    {
                        Needs = [.. (item["dependencies"]?.AsObject() ?? []).Select(dependency => dependency.Key)],
                    });
                }
            }

            // Packs that the SDK downloads by itself; which of them were used, the folder tells.
            foreach (var pack in assets["project"]!["frameworks"]!.AsObject().SelectMany(framework => framework.Value!["downloadDependencies"]?.AsArray() ?? []))
            {
                var (id, version) = ((string)pack!["name"]!, ((string)pack["version"]!).Trim('[', ']').Split(',')[0]);
                if (FolderOf(folders, id, version) is not null)
                {
                    Add(found, Describe(folders, id, version, id.StartsWith(LinkedPack, StringComparison.OrdinalIgnoreCase), digest: null));
                }
            }

            return [.. found.Values.Select(component => component with { Needs = [.. component.Needs.Where(found.ContainsKey)] })];
        }
        catch (Exception error) when (error is IOException or System.Text.Json.JsonException or NullReferenceException or InvalidOperationException or FormatException or ArgumentOutOfRangeException)
        {
            throw new BlackBoxException($"{file} does not list a project's packages: {error.Message}", "build it first: ./blackbox build", error);
        }
    }

    // With and without a runtime identifier, and as a pack: once is enough, and in the artefact by one of them is in it.
    private static void Add(SortedDictionary<string, BillComponent> found, BillComponent component) =>
        found[component.Name] = found.TryGetValue(component.Name, out var known) ? known with { IsPart = known.IsPart || component.IsPart } : component;

    private static bool HasAssemblies(JsonNode item) => ((string[])["runtime", "runtimeTargets", "native"])
        .Any(kind => item[kind]?.AsObject().Any(asset => !asset.Key.EndsWith("_._", StringComparison.Ordinal)) == true);

    private static BillComponent Describe(List<string> folders, string id, string version, bool isPart, string? digest)
    {
        var folder = FolderOf(folders, id, version);
        var lower = id.ToLowerInvariant();

        // Of the file as it was downloaded, which is what others can compare; restore's own is of the content without its signature.
        if (folder is not null && Path.Combine(folder, $"{lower}.{version.ToLowerInvariant()}.nupkg.sha512") is var file && File.Exists(file))
        {
            digest = File.ReadAllText(file).Trim();
        }

        return new BillComponent("library", id, version, isPart)
        {
            PackageUrl = $"pkg:nuget/{Uri.EscapeDataString(id)}@{Uri.EscapeDataString(version)}",
            License = folder is null ? null : LicenseIn(Path.Combine(folder, lower + ".nuspec")),
            Hash = digest is null ? null : ("SHA-512", Convert.ToHexStringLower(Convert.FromBase64String(digest))),
        };
    }

    private static string? LicenseIn(string nuspec) => !File.Exists(nuspec) ? null : XDocument.Load(nuspec).Descendants()
        .FirstOrDefault(element => element.Name.LocalName == "license" && (string?)element.Attribute("type") == "expression")?.Value;

    private static string? FolderOf(List<string> folders, string id, string version) =>
        folders.Select(folder => Path.Combine(folder, id.ToLowerInvariant(), version.ToLowerInvariant())).FirstOrDefault(Directory.Exists);
}
