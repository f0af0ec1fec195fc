using BlackBox.Images.Mutations;
using Xunit;

namespace BlackBox.Images.Tests;

/// <summary>The list of mutations that the shield is held against as well (tests/Shield/Images): the verifier of the tools refuses each.</summary>
public sealed class MutationListTests(ITestOutputHelper output)
{
    private const int Least = 200;

    /// <summary>The samples' own content key: so that older blocks differ in nothing but what they say.</summary>
    private static readonly ProtectionOptions Same = new() { ContentKey = new byte[32] };

    private static readonly ProtectedImage Image = Samples.Image().Protect(Same with { Counter = 2 });

    [Fact]
    public void Each_mutation_is_refused_and_names_a_file()
    {
        _ = Samples.Verify(Image.Root);
        using var other = PublisherKey.Create();
        var older = Samples.Image().AddFile("/usr/bin/program", Samples.Elf(Samples.ProgramLength, 7)).AddFile("/etc/data", "older data\n"u8.ToArray(), 0x1A4).Protect(Same);
        _ = Samples.Verify(older.Root);
        var stranger = Samples.Image().Protect(publisher: other);
        _ = Samples.Verify(stranger.Root);
        var mutations = new ImageMutations(Image, older, stranger).All();
        RefuseEach(Image, mutations);
        foreach (var family in mutations.GroupBy(mutation => mutation.Family))
        {
            output.WriteLine($"{family.Count(),5} {family.Key}");
        }

        output.WriteLine($"{mutations.Count,5} mutations, all refused");
        Assert.True(mutations.Count >= Least, $"only {mutations.Count} mutations");
        Assert.Equal(13, mutations.Select(mutation => mutation.Family).Distinct().Count());
    }

    /// <summary>A table of several pages: what is about pages, and a bit in each record.</summary>
    [Fact]
    public void Pages_of_a_larger_table_are_bound_to_their_places()
    {
        InMemoryImage Make(string data)
        {
            var image = Samples.Image();
            for (var i = 0; i < 50; i++)
            {
                image.AddFile($"/srv/{i}", System.Text.Encoding.UTF8.GetBytes($"{data} {i}"), 0x1A4);
            }

            return image;
        }

        var image = Make("new").Protect(Same with { Counter = 2 });
        _ = Samples.Verify(image.Root);
        Assert.True(ImageFormat.PageCount(image.Manifest.TableLength) > 1);
        var mutations = new ImageMutations(image, Make("old").Protect(Same), Make("other").Protect()).All()
            .Where(mutation => mutation.Family is "table page digest" or "order" || mutation is { Family: "table record" } && mutation.Name.Contains(" salt,", StringComparison.Ordinal)).ToList();
        Assert.Contains(mutations, mutation => mutation.Name == "pages' digests");
        Assert.Contains(mutations, mutation => mutation.Name == "pages");
        RefuseEach(image, mutations);
        output.WriteLine($"{mutations.Count} mutations, all refused");
    }

    private static void RefuseEach(ProtectedImage image, IReadOnlyList<ImageMutation> mutations)
    {
        foreach (var mutation in mutations)
        {
            var root = new RootFilesystem();
            root.Merge(image.Root);
            foreach (var (path, content) in mutation.Files)
            {
                root.Add(root[path]!.WithContent(ContentSource.FromBytes(content)));
            }

            try
            {
                _ = Samples.Verify(root);
                Assert.Fail($"{mutation.Family}: {mutation.Name}: taken for good");
            }
            catch (ImageRefusedException refusal)
            {
                Assert.StartsWith("/", refusal.File, StringComparison.Ordinal);
            }
        }
    }
}
