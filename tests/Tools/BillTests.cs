using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using BlackBox.Building;
using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Tools.Tests;

/// <summary>Bills of materials: complete against what the builds themselves wrote, and of the form of CycloneDX 1.6.</summary>
public sealed partial class BillTests : IDisposable
{
    private static readonly Artefact Thing = new("thing.bin", "/nowhere/thing.bin", 3, new string('a', 64));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>What the SDK says that the program needs to run, and what the bill says that it consists of: two ways to the same list.</summary>
    [Fact]
    public void The_command_lines_bill_names_all_packages_that_are_delivered_with_it()
    {
        var delivered = JsonNode.Parse(File.ReadAllText(Path.Combine(BlackBoxPaths.Repository, "artifacts/bin/BlackBox.Cli/release/blackbox.deps.json")))!["libraries"]!.AsObject()
            .Where(library => (string?)library.Value!["type"] == "package").Select(library => library.Key).Order(StringComparer.Ordinal).ToList();
        var packages = ProductBills.PackagesOf("BlackBox.Cli");
        Assert.Equal(delivered, packages.Where(package => package.IsPart).Select(package => $"{package.Name}/{package.Version}").Order(StringComparer.Ordinal));
        Assert.All(packages, package =>
        {
            Assert.Equal("MIT", package.License);
            Assert.Equal("SHA-512", package.Hash!.Value.Algorithm);
            Assert.Matches("^[0-9a-f]{128}$", package.Hash.Value.Digest);
        });

        // The versions are the ones that this repository pins.
        var pinned = XDocument.Load(Path.Combine(BlackBoxPaths.Repository, "Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(item => (string)item.Attribute("Include")!, item => (string)item.Attribute("Version")!);
        Assert.Equal(pinned["Spectre.Console"], packages.Single(package => package.Name == "Spectre.Console").Version);
        Assert.Equal(pinned["System.CommandLine"], packages.Single(package => package.Name == "System.CommandLine").Version);
        Assert.Contains("Spectre.Console.Ansi", packages.Single(package => package.Name == "Spectre.Console").Needs);
    }

    [Fact]
    public void A_bill_has_the_form_of_CycloneDX()
    {
        BillComponent[] components =
        [
            .. ProductBills.PackagesOf("BlackBox.Cli"),
            new("firmware", "part.bin", "1", IsPart: true) { License = "GPL-2.0-only", Hash = ("SHA-256", new string('b', 64)) },
            new("application", "lld", "1:14.0-55.7~deb12u1", IsPart: false) { PackageUrl = "pkg:deb/debian/lld@1%3A14.0-55.7~deb12u1?arch=amd64" },
        ];
        var text = BillOfMaterials.Create(Thing, "firmware", "1.2.3", "MIT", components);
        AssertValid(JsonNode.Parse(text)!, components.Length);
        Assert.Equal(text, BillOfMaterials.Create(Thing, "firmware", "1.2.3", "MIT", components));

        // Another content is another bill.
        var other = BillOfMaterials.Create(Thing with { Digest = new string('c', 64) }, "firmware", "1.2.3", "MIT", components);
        Assert.NotEqual((string)JsonNode.Parse(text)!["serialNumber"]!, (string)JsonNode.Parse(other)!["serialNumber"]!);
    }

    [Fact]
    public void Packages_of_every_target_and_packs_that_are_there_are_listed_once()
    {
        var folder = _folder.File("packages") + "/";
        Package("Lib.A", "1.0.0", "MIT");
        Package("Microsoft.NETCore.App.Runtime.NativeAOT.linux-arm64", "10.0.0", "MIT");
        Package("Tool", "2.0.0", null);
        var packages = NuGetAssets.Read(Assets($$"""
            {
              "version": 3,
              "targets": {
                "net10.0": {
                  "Lib.A/1.0.0": { "type": "package", "dependencies": { "Lib.B": "3.0.0-rc.1", "Pruned": "1.0.0" }, "runtime": { "lib/net10.0/a.dll": {} } },
                  "Lib.B/3.0.0-rc.1": { "type": "package", "runtime": { "lib/net10.0/_._": {} } },
                  "Own/1.0.0": { "type": "project", "runtime": { "bin/own.dll": {} } }
                },
                "net10.0/linux-arm64": {
                  "Lib.A/1.0.0": { "type": "package", "runtime": { "lib/net10.0/a.dll": {} } },
                  "Lib.B/3.0.0-rc.1": { "type": "package", "runtime": { "lib/net10.0/b.dll": {} } },
                  "Tool/2.0.0": { "type": "package" }
                }
              },
              "libraries": {
                "Lib.A/1.0.0": { "sha512": "AAAA" }, "Lib.B/3.0.0-rc.1": { "sha512": "AQID" }, "Own/1.0.0": {}, "Tool/2.0.0": { "sha512": "AAAA" }
              },
              "packageFolders": { "{{folder}}": {} },
              "project": { "frameworks": { "net10.0": { "downloadDependencies": [
                { "name": "Microsoft.NETCore.App.Runtime.NativeAOT.linux-arm64", "version": "[10.0.0, 10.0.0]" },
                { "name": "Microsoft.AspNetCore.App.Ref", "version": "[10.0.0, 10.0.0]" } ] } } }
            }
            """));
        Assert.Equal(
            ["Lib.A 1.0.0 True MIT", "Lib.B 3.0.0-rc.1 True ", "Microsoft.NETCore.App.Runtime.NativeAOT.linux-arm64 10.0.0 True MIT", "Tool 2.0.0 False "],
            packages.Select(package => $"{package.Name} {package.Version} {package.IsPart} {package.License}"));
        Assert.Equal(["Lib.B"], packages[0].Needs);
        Assert.Equal("pkg:nuget/Lib.B@3.0.0-rc.1", packages[1].PackageUrl);
        Assert.Equal(("SHA-512", "010203"), packages[1].Hash);
        Assert.Equal(("SHA-512", "ffff"), packages[0].Hash);    // the file's, which the folder has
        AssertValid(JsonNode.Parse(BillOfMaterials.Create(Thing, "application", "1", "MIT", packages))!, 4);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"targets":{"net10.0":{"Lib":{"type":"package"}}},"packageFolders":{},"libraries":{},"project":{}}""")]
    [InlineData("""{"targets":{"net10.0":{"Lib/1":{"type":"package"}}},"packageFolders":{},"libraries":{},"project":{"frameworks":{}}}""")]
    [InlineData("""{"targets":{"net10.0":{"Lib/1":{"type":"package"}}},"packageFolders":{},"libraries":{"Lib/1":{"sha512":"?"}},"project":{"frameworks":{}}}""")]
    public void A_damaged_list_is_an_error_and_no_empty_bill(string json) => Assert.Throws<BlackBoxException>(() => NuGetAssets.Read(Assets(json)));

    [Fact]
    public void A_project_that_was_not_built_is_an_error() => Assert.Contains("build it first", Assert.Throws<BlackBoxException>(() => ProductBills.PackagesOf("None")).Advice);

    /// <summary>What the schema of CycloneDX 1.6 asks for, and that the references in the bill lead somewhere.</summary>
    private static void AssertValid(JsonNode bill, int count)
    {
        Assert.Equal("CycloneDX", (string)bill["bomFormat"]!);
        Assert.Equal("1.6", (string)bill["specVersion"]!);
        Assert.Equal(1, (int)bill["version"]!);
        Assert.Matches(SerialNumber(), (string)bill["serialNumber"]!);
        Assert.Subset(new HashSet<string>(["bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies"]), bill.AsObject().Select(pair => pair.Key).ToHashSet());
        var root = bill["metadata"]!["component"]!;
        var components = bill["components"]!.AsArray();
        Assert.Equal(count, components.Count);
        foreach (var component in components.Append(root))
        {
            Assert.Contains((string)component!["type"]!, (string[])["application", "library", "firmware", "device-driver"]);
            Assert.NotEmpty((string)component["name"]!);
            Assert.NotEmpty((string)component["version"]!);
            Assert.Contains((string?)component["scope"] ?? "required", (string[])["required", "excluded"]);
            Assert.All(component["hashes"]?.AsArray() ?? [], hash =>
            {
                Assert.Contains((string)hash!["alg"]!, (string[])["SHA-256", "SHA-512"]);
                Assert.Matches("^[0-9a-f]+$", (string)hash["content"]!);
            });
            Assert.All(component["licenses"]?.AsArray() ?? [], license => Assert.NotEmpty((string)license!["expression"]!));
            Assert.StartsWith("pkg:", (string?)component["purl"] ?? "pkg:");
        }

        var references = components.Append(root).Select(component => (string)component!["bom-ref"]!).ToList();
        Assert.Equal(references.Count, references.Distinct().Count());
        var dependencies = bill["dependencies"]!.AsArray();
        Assert.Equal(references.Order(StringComparer.Ordinal), dependencies.Select(item => (string)item!["ref"]!).Order(StringComparer.Ordinal));
        Assert.All(dependencies.SelectMany(item => item!["dependsOn"]!.AsArray()), on => Assert.Contains((string)on!, references));

        // From the artefact on, everything can be reached.
        HashSet<string> reached = [];
        Stack<string> open = new([(string)root["bom-ref"]!]);
        while (open.TryPop(out var reference))
        {
            if (reached.Add(reference))
            {
                foreach (var on in dependencies.Single(item => (string)item!["ref"]! == reference)!["dependsOn"]!.AsArray())
                {
                    open.Push((string)on!);
                }
            }
        }

        Assert.Equal(references.Count, reached.Count);
    }

    private string Assets(string json)
    {
        File.WriteAllText(_folder.File("project.assets.json"), json);
        return _folder.File("project.assets.json");
    }

    private void Package(string id, string version, string? license)
    {
        var lower = id.ToLowerInvariant();
        var folder = Directory.CreateDirectory(_folder.File($"packages/{lower}/{version}")).FullName;
        File.WriteAllText(Path.Combine(folder, $"{lower}.{version}.nupkg.sha512"), "//8=");
        File.WriteAllText(Path.Combine(folder, lower + ".nuspec"), license is null
            ? """<package><metadata><license type="file">LICENSE</license></metadata></package>"""
            : $"""<package xmlns="urn:x"><metadata><license type="expression">{license}</license></metadata></package>""");
    }

    [GeneratedRegex("^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
    private static partial Regex SerialNumber();
}
