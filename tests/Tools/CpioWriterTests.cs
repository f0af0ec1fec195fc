using System.Diagnostics;
using BlackBox.Guest;
using BlackBox.Images;
using Xunit;

namespace BlackBox.Tools.Tests;

public sealed class CpioWriterTests
{
    /// <summary>The layout of a single entry, byte by byte, from the kernel's description of the format.</summary>
    [Fact]
    public void Header_has_the_fields_of_newc()
    {
        var root = new RootFilesystem();
        root.Add(RootEntry.File(RootPath.Parse("/ab"), ContentSource.FromText("hello"), 0x1ED) with { UserId = 1, GroupId = 2 });
        using var stream = new MemoryStream();
        CpioWriter.Write(root, stream);
        var text = System.Text.Encoding.ASCII.GetString(stream.ToArray());
        var at = text.IndexOf("070701", 10, StringComparison.Ordinal);
        Assert.Equal(0, at % 4);
        Assert.Equal("070701" + "00000002" + "000081ED" + "00000001" + "00000002" + "00000001" + "00000000" + "00000005" +
            "00000000" + "00000000" + "00000000" + "00000000" + "00000003" + "00000000" + "ab\0", text.Substring(at, 113));
        Assert.Equal("\0\0\0hello\0\0\0", text.Substring(at + 113, 11));
        Assert.Equal(0, stream.Length % 4);
    }

    [Fact]
    public void Another_reader_of_the_format_finds_the_same()
    {
        Assert.SkipWhen(Hosting.ExternalProcess.Find("cpio") is null, "cpio is not installed");
        var root = new RootFilesystem();
        root.Add(RootEntry.File(RootPath.Parse("/dir/file"), ContentSource.FromText(new string('x', 5000))));
        root.Add(RootEntry.Link(RootPath.Parse("/dir/link"), "file"));
        root.Add(RootEntry.Directory(RootPath.Parse("/empty"), 0x1C0));
        using var process = Process.Start(new ProcessStartInfo("cpio", ["--list", "--verbose", "--numeric-uid-gid", "--quiet"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        CpioWriter.Write(root, process.StandardInput.BaseStream);
        process.StandardInput.Close();
        var lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(["drwxr-xr-x", "drwxr-xr-x", "-rw-r--r--", "lrwxrwxrwx", "drwx------"], lines.Select(line => line[..10]));
        Assert.EndsWith("dir/link -> file", lines[3], StringComparison.Ordinal);
        Assert.Contains(" 5000 ", lines[2], StringComparison.Ordinal);
    }
}
