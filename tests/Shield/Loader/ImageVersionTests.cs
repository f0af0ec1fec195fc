using System;
using System.Security.Cryptography;
using System.Text;
using BlackBox.Images;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>Images that are older than the owner of the machine accepts: words of the kernel's command line.</summary>
public class ImageVersionTests
{
    private static readonly byte[] Publisher = SHA256.HashData("publisher"u8);
    private static readonly string Hex = Convert.ToHexStringLower(Publisher);

    private static ulong Least(string commandLine, string name = "redis") => ImageVersions.Least(Encoding.ASCII.GetBytes(commandLine), Publisher, Encoding.UTF8.GetBytes(name));

    [Fact]
    public void The_highest_item_for_an_image_counts()
    {
        Assert.Equal(0UL, Least(""));
        Assert.Equal(0UL, Least("quiet console=ttyAMA0\0blackbox.images=nonsense"));
        Assert.Equal(12UL, Least($"quiet blackbox.images={Hex}:redis:12 ro"));
        Assert.Equal(12UL, Least($"blackbox.images={Hex[..16]}:redis:12,{Hex}:redis:3"));
        Assert.Equal(13UL, Least($"blackbox.images={Hex}:redis:12 blackbox.images={Hex}:other:99,{Hex}:redis:13"));
        Assert.Equal(0UL, Least($"blackbox.images={Hex}:redis:12", "redis2"));
        Assert.Equal(7UL, Least($"blackbox.images={Hex}:a:b:7", "a:b"));
        Assert.Equal(0UL, Least($"blackbox.images={Convert.ToHexStringLower(SHA256.HashData("other"u8))}:redis:12"));
        Assert.Equal(0UL, Least($"notblackbox.images={Hex}:redis:12 blackbox.image={Hex}:redis:12"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("{0}")]
    [InlineData("{0}:redis")]
    [InlineData("{0}:redis:")]
    [InlineData("{0}::5")]
    [InlineData("{0}:redis:-5")]
    [InlineData("{0}:redis:5x")]
    [InlineData("{0}:redis:99999999999999999999")]
    [InlineData("0011223:redis:5")]
    [InlineData("{0}0:redis:5")]
    [InlineData("ABCDEF0011223344:redis:5")]
    [InlineData("{0}:redis:5,,")]
    public void What_is_malformed_accepts_no_image(string items) =>
        Assert.Equal(ulong.MaxValue, Least("quiet blackbox.images=" + items.Replace("{0}", Hex, StringComparison.Ordinal), "anything"));

    [Fact]
    public void An_older_image_is_not_started()
    {
        var image = new InMemoryImage("sample").AddFile("/usr/bin/program", TestElf.Make(0x40_0000, 1)).Start("/usr/bin/program").Protect();
        var stored = StoredImage.Read(image.Root);
        string Item(ulong counter) => $"blackbox.images={stored.PublisherDigest}:sample:{counter}";
        ulong counter = stored.Manifest.Counter;
        Assert.Equal(0, new LoaderMachine(image) { BootArguments = Item(counter) }.Start("/usr/bin/program", ["/usr/bin/program"]));
        var refused = Assert.Throws<ShieldStoppedException>(() => new LoaderMachine(image) { BootArguments = Item(counter + 1) }.Start("/usr/bin/program", ["/usr/bin/program"]));
        Assert.Equal(PanicReason.Verification, refused.Reason);
        Assert.Contains("older", refused.Message, StringComparison.Ordinal);
    }
}
