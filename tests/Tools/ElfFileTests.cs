using BlackBox.Guest;
using CsCheck;
using Xunit;

namespace BlackBox.Tools.Tests;

public sealed class ElfFileTests
{
    private static readonly byte[] Sample = ElfSample.Create("/lib/ld-linux-aarch64.so.1", ["libc.so.6", "libm.so.6"], "$ORIGIN/../lib:/opt");

    [Fact]
    public void Loader_libraries_and_run_path_are_read()
    {
        var elf = ElfFile.Parse(Sample);
        Assert.Equal(ElfFile.MachineAArch64, elf.Machine);
        Assert.Equal("/lib/ld-linux-aarch64.so.1", elf.Interpreter);
        Assert.Equal(["libc.so.6", "libm.so.6"], elf.Needed);
        Assert.Equal(["$ORIGIN/../lib", "/opt"], elf.RunPath);
        Assert.True(elf.Section(".none").IsEmpty);
    }

    [Fact]
    public void Programs_of_this_host_can_be_read()
    {
        var elf = ElfFile.Parse(File.ReadAllBytes("/bin/sh"));
        Assert.Contains("libc.so.6", elf.Needed);
        Assert.False(elf.Section(".dynamic").IsEmpty);
    }

    /// <summary>Whatever is in the file: it is read, or refused as invalid data; nothing else happens.</summary>
    [Fact]
    public void Damaged_files_are_refused_in_order()
    {
        Gen.Select(Gen.Int[0, Sample.Length - 1], Gen.Byte, Gen.Int[0, Sample.Length - 1], Gen.Byte, Gen.Int[0, Sample.Length]).Sample((at, value, at2, value2, length) =>
        {
            var bytes = Sample.ToArray();
            bytes[at] = value;
            bytes[at2] = value2;
            Try(bytes);
            Try(bytes[..length]);
        }, iter: 20000);

        static void Try(byte[] bytes)
        {
            try
            {
                _ = ElfFile.Parse(bytes).Section(".modinfo");
            }
            catch (InvalidDataException)
            {
                // As it should be.
            }
        }
    }
}
