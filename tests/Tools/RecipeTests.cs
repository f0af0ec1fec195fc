using System.Text;
using System.Text.Json;
using BlackBox.Guest;
using BlackBox.Hosting;
using BlackBox.Images;
using BlackBox.Recipes;
using Xunit;

namespace BlackBox.Tools.Tests;

public sealed class RecipeTests
{
    private const string Minimal = """{ "name": "test", "packages": ["p"], "include": ["/usr/bin/tool"] }""";

    [Fact]
    public void Shipped_recipes_are_valid()
    {
        var names = RecipeReader.Shipped(BlackBoxPaths.Repository);
        Assert.Equal(["nginx", "python", "redis", "shell"], names);
        foreach (var name in names)
        {
            var recipe = RecipeReader.Find(name, BlackBoxPaths.Repository);
            Assert.Equal(name, recipe.Name);
            Assert.NotEmpty(recipe.Entrypoint);
        }
    }

    [Theory]
    [InlineData("""{ "name": "test", "packages": ["p"] }""")]
    [InlineData("""{ "name": "x", "packages": ["p"], "include": [] }""")]
    [InlineData("""{ "name": "test", "packages": [], "include": [] }""")]
    [InlineData("""{ "name": "test", "packages": ["p"], "include": ["relative"] }""")]
    [InlineData("""{ "name": "test", "packages": ["p"], "include": ["/../etc"] }""")]
    [InlineData("""{ "name": "test", "packages": ["p"], "include": [], "colour": "red" }""")]
    [InlineData("""{ "name": "test", "packages": ["p"], "include": [], "entrypoint": ["sh"] }""")]
    [InlineData("""{ "name": "test", "packages": ["p"], "include": [], "ports": [70000] }""")]
    [InlineData("""{ "name": "test", "packages": ["p"], "include": [], "user": "root" }""")]
    [InlineData("""{ "name": "test", "packages": ["p"], "include": [], "environment": { "A=B": "c" } }""")]
    [InlineData("""{ "name": "test", "packages": ["p"], "include": [], "files": { "/f": {} } }""")]
    [InlineData("""{ "name": "test", "packages": ["p"], "include": [], "files": { "/f": { "text": [], "mode": "999" } } }""")]
    [InlineData("""{ "name": "test", "name": "twice", "packages": ["p"], "include": [] }""")]
    [InlineData("""{ "name": "test", "packages": null, "include": [] }""")]
    [InlineData("[]")]
    [InlineData("")]
    public void Bad_recipes_are_refused(string json)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("bad.json"), json);
        var error = Assert.Throws<BlackBoxException>(() => RecipeReader.Read(folder.File("bad.json")));
        Assert.Contains("bad.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Comments_and_trailing_commas_are_allowed()
    {
        var recipe = RecipeReader.Parse(Encoding.UTF8.GetBytes(Minimal.Replace("{ ", "{ // hello\n").Replace("] }", "],}")), "");
        Assert.Equal("test", recipe.Name);
    }

    [Fact]
    public void Libraries_come_along_with_the_links_that_lead_to_them()
    {
        var source = Packages();
        var root = RecipeBuilder.Choose(RecipeReader.Parse(Encoding.UTF8.GetBytes(Minimal), ""), source);
        Assert.NotNull(root["/usr/lib/aarch64-linux-gnu/libone.so.1"]);
        Assert.NotNull(root["/usr/lib/aarch64-linux-gnu/libone.so.1.2"]);
        Assert.NotNull(root["/usr/lib/tool/libtwo.so"]);
        Assert.NotNull(root["/usr/lib/ld-linux-aarch64.so.1"]);
        Assert.Null(root["/usr/bin/other"]);
        Assert.Equal("usr/lib", root["/lib"]!.LinkTarget);
    }

    [Fact]
    public void A_missing_library_is_named()
    {
        var source = Packages();
        source.Remove(RootPath.Parse("/usr/lib/tool/libtwo.so"));
        var error = Assert.Throws<InvalidDataException>(() => RecipeBuilder.Choose(RecipeReader.Parse(Encoding.UTF8.GetBytes(Minimal), ""), source));
        Assert.Contains("libtwo.so", error.Message, StringComparison.Ordinal);
        Assert.Contains("/usr/bin/tool", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pattern_without_a_match_is_an_error()
    {
        var recipe = RecipeReader.Parse(Encoding.UTF8.GetBytes(Minimal.Replace("/usr/bin/tool", "/usr/share/**")), "");
        Assert.Throws<InvalidDataException>(() => RecipeBuilder.Choose(recipe, Packages()));
    }

    [Theory]
    [InlineData("/a/*", "/a/b", true)]
    [InlineData("/a/*", "/a/b/c", false)]
    [InlineData("/a/**", "/a/b/c", true)]
    [InlineData("/a/**/c", "/a/b/x/c", true)]
    [InlineData("/a/?", "/a/bb", false)]
    [InlineData("/a.b", "/axb", false)]
    public void Patterns(string pattern, string path, bool expected) => Assert.Equal(expected, new PathPattern(pattern).Matches(RootPath.Parse(path)));

    [Fact]
    public void A_bundle_starts_what_the_image_says()
    {
        var configuration = new ImageConfiguration { Name = "test", Entrypoint = ["/usr/bin/tool"], Command = ["--default"], Environment = ["A=b"], WorkingDirectory = "/data", UserId = 7 };
        var root = new RootFilesystem();
        root.Add(RootEntry.File(RootPath.Parse("/usr/bin/tool"), ContentSource.FromText("x")));
        var bundle = OciBundle.Create(new ImageContent(root, configuration), "one", ["given"], memoryLimit: 1 << 20);
        using var json = JsonDocument.Parse(bundle["/containers/one/config.json"]!.Content!.ReadAllBytes());
        var process = json.RootElement.GetProperty("process");
        Assert.Equal(["/usr/bin/tool", "given"], process.GetProperty("args").EnumerateArray().Select(item => item.GetString()));
        Assert.Contains("A=b", process.GetProperty("env").EnumerateArray().Select(item => item.GetString()));
        Assert.Equal(7, process.GetProperty("user").GetProperty("uid").GetInt32());
        Assert.Equal("/data", process.GetProperty("cwd").GetString());
        Assert.NotNull(bundle["/containers/one/rootfs/usr/bin/tool"]);
        Assert.Throws<BlackBoxException>(() => OciBundle.Create(new ImageContent(root, configuration), "../x"));
    }

    private static RootFilesystem Packages()
    {
        var root = new RootFilesystem();
        void Elf(string path, string? interpreter, string? runPath, params string[] needed) =>
            root.Add(RootEntry.File(RootPath.Parse(path), ContentSource.FromBytes(ElfSample.Create(interpreter, needed, runPath)), 0x1ED));
        Debian.UsrMerge.AddLinks(root);
        Elf("/usr/bin/tool", "/lib/ld-linux-aarch64.so.1", "$ORIGIN/../lib/tool", "libone.so.1", "libtwo.so");
        Elf("/usr/bin/other", "/lib/ld-linux-aarch64.so.1", null, "libthree.so");
        Elf("/usr/lib/ld-linux-aarch64.so.1", null, null);
        Elf("/usr/lib/tool/libtwo.so", null, null);
        Elf("/usr/lib/aarch64-linux-gnu/libone.so.1.2", null, null);
        root.Add(RootEntry.Link(RootPath.Parse("/usr/lib/aarch64-linux-gnu/libone.so.1"), "libone.so.1.2"));
        return root;
    }
}
