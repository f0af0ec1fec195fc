using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Images.Tests;

public sealed class KeyStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("blackbox-keys-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_key_is_made_listed_and_opened_and_only_its_owner_can_read_it()
    {
        var store = new KeyStore(Path.Combine(_folder, "a/b"));
        Assert.Empty(store.List());
        using var made = store.Create("release");
        using var opened = store.Open("release");

        Assert.Equal(made.Public, opened.Public);
        Assert.Equal(["release"], store.List());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(store.PathOf("release")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(store.Folder));
        Assert.Contains("PUBLIC KEY", File.ReadAllText(store.PublicPathOf("release")));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    public void A_key_that_others_can_reach_is_refused(UnixFileMode mode)
    {
        var store = new KeyStore(_folder);
        store.Create("k").Dispose();
        File.SetUnixFileMode(store.PathOf("k"), UnixFileMode.UserRead | mode);
        Assert.Contains("chmod 600", Assert.Throws<BlackBoxException>(() => store.Open("k")).Advice);
    }

    [Fact]
    public void A_key_is_never_replaced()
    {
        var store = new KeyStore(_folder);
        store.Create("k").Dispose();
        var before = File.ReadAllText(store.PathOf("k"));
        Assert.Throws<BlackBoxException>(() => store.Create("k"));
        Assert.Equal(before, File.ReadAllText(store.PathOf("k")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("../k")]
    [InlineData("a/b")]
    [InlineData("-x")]
    [InlineData("a.pub")]
    public void Names_that_are_paths_are_refused(string name) => Assert.Throws<BlackBoxException>(() => new KeyStore(_folder).Create(name));

    [Fact]
    public void Missing_and_damaged_keys_are_refused()
    {
        var store = new KeyStore(_folder);
        Assert.Contains("keys make", Assert.Throws<BlackBoxException>(() => store.Open("k")).Advice);
        File.WriteAllText(store.PathOf("k"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        File.SetUnixFileMode(store.PathOf("k"), UnixFileMode.UserRead);
        Assert.Throws<BlackBoxException>(() => store.Open("k"));
    }

    [Fact]
    public void A_content_key_has_32_bytes_and_one_reader()
    {
        var path = Path.Combine(_folder, "key");
        File.WriteAllBytes(path, new byte[32]);
        File.SetUnixFileMode(path, UnixFileMode.UserRead);
        Assert.Equal(new byte[32], KeyStore.ReadContentKey(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Throws<BlackBoxException>(() => KeyStore.ReadContentKey(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllBytes(path, new byte[31]);
        Assert.Throws<BlackBoxException>(() => KeyStore.ReadContentKey(path));
        Assert.Throws<BlackBoxException>(() => KeyStore.ReadContentKey(path + "x"));
    }
}
