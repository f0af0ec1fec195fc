using BlackBox.Images;
using CsCheck;
using Xunit;

namespace BlackBox.Tools.Tests;

public sealed class RootPathTests
{
    [Theory]
    [InlineData("./usr/bin/", "/usr/bin")]
    [InlineData("usr//bin/.", "/usr/bin")]
    [InlineData("/", "/")]
    [InlineData("", "/")]
    [InlineData("./", "/")]
    public void Spellings_of_archives_are_normalised(string text, string expected) => Assert.Equal(expected, RootPath.Parse(text).Text);

    [Theory]
    [InlineData("../etc/passwd")]
    [InlineData("/a/../../b")]
    [InlineData("a\0b")]
    public void Paths_that_leave_the_root_or_hold_nul_are_refused(string text) => Assert.Throws<InvalidDataException>(() => RootPath.Parse(text));

    [Fact]
    public void Names_longer_than_Linux_takes_are_refused()
    {
        Assert.Equal("/" + new string('x', 255), RootPath.Parse(new string('x', 255)).Text);
        Assert.Throws<InvalidDataException>(() => RootPath.Parse(new string('x', 256)));
        Assert.Throws<InvalidDataException>(() => RootPath.Parse(string.Join('/', Enumerable.Repeat("abcdefgh", 600))));
    }

    [Fact]
    public void A_folder_is_followed_by_its_content_then_by_longer_names()
    {
        string[] expected = ["/", "/a", "/a/x", "/a/x/y", "/a-b", "/a.b", "/ab"];
        Assert.Equal(expected, expected.Reverse().Select(RootPath.Parse).Order().Select(path => path.Text));
    }

    [Fact]
    public void Order_is_total_and_agrees_with_equality()
    {
        var paths = Gen.OneOf("a", "b", "a-b", "a.b", "ab").Array[0, 4].Select(parts => RootPath.Parse(string.Join('/', parts)));
        Gen.Select(paths, paths, paths).Sample((a, b, c) =>
            Math.Sign(a.CompareTo(b)) == -Math.Sign(b.CompareTo(a)) &&
            a.CompareTo(b) == 0 == (a == b) &&
            !(a <= b && b <= c && a > c) &&
            (a == b || !b.IsWithin(a) || a < b));
    }
}
