using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using BlackBox.Images;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>The first program of an enclave: verified, mapped, started as the manifest says, or refused with the file named.</summary>
public class LoaderTests
{
    private const ulong Low = 0x40_0000;
    private const string Program = "/usr/bin/program";
    private const string Interpreter = "/usr/lib/ld.so";

    private static readonly BlackBox.Images.ProtectedImage Static = Image().Start(Program, "one", "two").Protect();
    private static readonly BlackBox.Images.ProtectedImage Other = new InMemoryImage("other")
        .AddFile(Program, TestElf.Make(Low, 9)).Start(Program, "one", "two").Protect();

    private static InMemoryImage Image() => new InMemoryImage("sample")
        .AddFile(Program, TestElf.Make(Low, 1))
        .AddFile("/usr/bin/other", TestElf.Make(Low, 2))
        .AddFile("/usr/bin/dynamic", TestElf.Make(0, 3, "/lib/ld.so"))
        .AddFile("/usr/bin/pie", TestElf.Make(0, 4))
        .AddFile("/usr/bin/stack", TestElf.Make(Low, 5, executableStack: true))
        .AddFile("/usr/bin/lost", TestElf.Make(0, 6, "/lib/nothing"))
        .AddFile(Interpreter, TestElf.Make(0, 7))
        .AddFile("/usr/bin/script", Encoding.UTF8.GetBytes("#! /bin/program  -x y \necho\n"))
        .AddFile("/usr/bin/nested", Encoding.UTF8.GetBytes("#!/bin/script\n"))
        .AddLink("/bin", "usr/bin")
        .AddLink("/lib", "/usr/lib");

    private static LoaderMachine Started(string path = Program, string[]? arguments = null, BlackBox.Images.ProtectedImage? image = null)
    {
        LoaderMachine machine = new(image ?? Static);
        Assert.Equal(0, machine.Start(path, arguments ?? [Program, "one", "two"], "PATH=/evil", "X=1"));
        return machine;
    }

    private static ShieldStoppedException Refused(LoaderMachine machine, string path, string[] arguments, params string[] environment) =>
        Assert.Throws<ShieldStoppedException>(() => machine.Start(path, arguments, environment));

    [Fact]
    public void A_static_program_stands_in_memory_as_its_file_says()
    {
        LoaderMachine machine = Started("/bin/../bin//program");
        Assert.Equal(Low + TestElf.Start, machine.Thread.Registers.Pc);
        byte[] code = machine.Read(Low + 0x400, (int)TestElf.CodeBytes - 0x400);
        Assert.Equal([.. Enumerable.Range(0x400, code.Length).Select(at => TestElf.ByteAt((ulong)at, 1))], code);
        byte[] data = machine.Read(TestElf.DataAt(Low), (int)TestElf.DataMemory);
        Assert.Equal([.. Enumerable.Range((int)TestElf.DataOffset, (int)TestElf.DataBytes).Select(at => TestElf.ByteAt((ulong)at, 1))], data[..(int)TestElf.DataBytes]);
        Assert.True(data.AsSpan((int)TestElf.DataBytes).IndexOfAnyExcept((byte)0) < 0);
        Assert.False(AddressSpaces.TryResolve(ref machine.Thread, Low, UserAccess.Write, out _));
        Assert.False(AddressSpaces.TryResolve(ref machine.Thread, TestElf.DataAt(Low), UserAccess.Execute, out _));
        Assert.Empty(machine.Lines);
    }

    [Fact]
    public void The_stack_holds_arguments_environment_and_auxiliary_vector()
    {
        LoaderMachine machine = Started();
        (string[] arguments, string[] environment, Dictionary<ulong, ulong> auxiliary) = machine.ReadStack();
        Assert.Equal([Program, "one", "two"], arguments);
        Assert.DoesNotContain("X=1", environment);
        Assert.DoesNotContain("PATH=/evil", environment);
        Assert.Equal((64 + Low, 56UL, 3UL), (auxiliary[3], auxiliary[4], auxiliary[5]));
        Assert.Equal((4096UL, 0UL, Low + TestElf.Start), (auxiliary[6], auxiliary[7], auxiliary[9]));
        Assert.Equal("aarch64", machine.Text(auxiliary[15]));
        Assert.Equal(Program, machine.Text(auxiliary[31]));
        Assert.True(machine.Read(auxiliary[25], 16).Distinct().Count() > 4);
        Assert.Equal(0UL, auxiliary[23]);
        Assert.All(new ulong[] { 8, 11, 12, 13, 14, 16, 17, 26, 51 }, key => Assert.Contains(key, auxiliary.Keys));
    }

    [Theory]
    [InlineData("/usr/bin/dynamic", 3, 7)]
    [InlineData("/usr/bin/pie", 4, 4)]
    public void A_position_independent_program_goes_through_its_interpreter_if_it_has_one(string path, int seed, int first)
    {
        LoaderMachine machine = Started(path, [path, "one"], Image().Start(path, "one").Protect());
        (_, _, Dictionary<ulong, ulong> auxiliary) = machine.ReadStack();
        ulong at = auxiliary[9] - TestElf.Start;
        Assert.Equal(0UL, at & 0xFFFF);
        Assert.Equal(TestElf.ByteAt(0x500, seed), machine.Read(at + 0x500, 1)[0]);
        Assert.Equal(TestElf.ByteAt(0x500, first), machine.Read(machine.Thread.Registers.Pc - TestElf.Start + 0x500, 1)[0]);
        Assert.Equal(first == 7 ? machine.Thread.Registers.Pc - TestElf.Start : 0, auxiliary[7]);
    }

    [Fact]
    public void Short_reads_make_no_difference()
    {
        LoaderMachine machine = new(Static) { Piece = 777 };
        Assert.Equal(0, machine.Start(Program, [Program, "one", "two"]));
        Assert.Equal(TestElf.ByteAt(0x2000, 1), machine.Read(Low + 0x2000, 1)[0]);
    }

    [Fact]
    public void An_executable_stack_needs_the_manifest()
    {
        InMemoryImage image = Image().Start("/usr/bin/stack");
        LoaderMachine machine = new(image.Protect());
        Assert.Equal(-Errno.EACCES, machine.Start("/usr/bin/stack", ["/usr/bin/stack"]));
        image.Configure(c => c with { Protection = c.Protection with { Jit = true } });
        machine = Started("/usr/bin/stack", ["/usr/bin/stack"], image.Protect());
        Assert.True(AddressSpaces.TryResolve(ref machine.Thread, machine.Thread.Registers.Sp, UserAccess.Execute, out _));
    }

    [Fact]
    public void A_missing_interpreter_is_named()
    {
        LoaderMachine machine = new(Image().Start("/usr/bin/lost").Protect());
        Assert.Equal(-Errno.ENOENT, machine.Start("/usr/bin/lost", ["/usr/bin/lost"]));
        Assert.Contains(machine.Lines, line => line.Contains("/lib/nothing", StringComparison.Ordinal));
    }

    /// <summary>Whatever byte is changed, wherever: the start is refused or the page is, and the file is named.</summary>
    [Theory]
    [InlineData("/.blackbox/manifest")]
    [InlineData("/.blackbox/files")]
    [InlineData("/.blackbox/tags")]
    [InlineData("/.blackbox/key")]
    [InlineData(Program)]
    public void No_changed_byte_goes_unnoticed(string file) =>
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Int[1, 255], Gen.Int[0, 4]).Sample(
            (where, change, kind) =>
            {
                LoaderMachine machine = new(Static);
                byte[] bytes = [.. machine.Files[file]];
                int at = where % bytes.Length;
                if (file == "/.blackbox/tags")
                {
                    // Tags of other files are not looked at.
                    int record = Static.Paths.ToList().FindIndex(path => path.Text == Program);
                    at = (int)Static.Records[record].TagsOffset + (where % (int)Static.Records[record].TagsLength);
                    kind = 1;
                }

                if (file == "/.blackbox/key" && kind != 0 && (at - bytes.AsSpan().IndexOf(PlatformKey.Development.Id)) is >= 0 and < PlatformKey.IdLength)
                {
                    // By this tools tell for whom it was wrapped; the monitor tries.
                    return;
                }

                if (file == Program && at < 4)
                {
                    // The magic is there for the OS alone.
                    return;
                }

                if (kind == 0)
                {
                    bytes = bytes[..at];
                }
                else
                {
                    bytes[at] ^= (byte)change;
                }

                machine.Files[file] = bytes;
                AssertRefused(machine, file);
            },
            iter: 60, threads: 1);

    [Theory]
    [InlineData("/.blackbox/manifest")]
    [InlineData("/.blackbox/files")]
    [InlineData("/.blackbox/tags")]
    [InlineData("/.blackbox/key")]
    [InlineData(Program)]
    public void Files_of_another_image_or_none_are_refused(string file)
    {
        LoaderMachine machine = new(Static);
        machine.Files[file] = new LoaderMachine(Other).Files[file];

        // Both are of the same publisher: the manifest is a good one of other files, the key one of other content.
        AssertRefused(machine, file switch { "/.blackbox/key" => Program, "/.blackbox/manifest" => "/.blackbox/files", _ => file });

        machine = new LoaderMachine(Static);
        Assert.True(machine.Files.Remove(file));
        if (file == Program)
        {
            Assert.Equal(-Errno.EIO, machine.Start(Program, [Program, "one", "two"]));
            Assert.Equal(Program, machine.Name);
            Assert.Contains(machine.Lines, line => line.Contains(Program, StringComparison.Ordinal));
        }
        else
        {
            Assert.Contains(file, Refused(machine, Program, [Program, "one", "two"]).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Another_program_of_the_same_image_does_not_stand_in()
    {
        LoaderMachine machine = new(Static);
        machine.Files[Program] = machine.Files["/usr/bin/other"];
        AssertRefused(machine, Program);
    }

    [Fact]
    public void Extended_files_are_refused_where_their_length_is_signed()
    {
        LoaderMachine machine = new(Static);
        machine.Files["/.blackbox/manifest"] = [.. machine.Files["/.blackbox/manifest"], 0];
        AssertRefused(machine, "/.blackbox/manifest");
    }

    [Theory]
    [InlineData(Program, 1)]
    [InlineData(Program, 5000)]
    [InlineData(Program, -1)]
    [InlineData(Program, -5000)]
    [InlineData(Interpreter, 1)]
    [InlineData(Interpreter, -1)]
    [InlineData("/.blackbox/files", 1)]
    [InlineData("/.blackbox/files", -1)]
    [InlineData("/.blackbox/tags", 1)]
    [InlineData("/.blackbox/tags", -1)]
    [InlineData("/usr/bin/script", 1)]
    public void A_file_of_another_length_does_not_start_and_is_named(string file, int change)
    {
        // All signed blocks are there if the file is longer: what runs would be right, but the file was changed.
        string entry = file == Program || file.StartsWith("/.", StringComparison.Ordinal) ? Program : file == Interpreter ? "/usr/bin/dynamic" : file;
        LoaderMachine machine = new(Image().Start(entry).Protect());
        byte[] bytes = machine.Files[file];
        machine.Files[file] = change < 0 ? bytes[..^-change] : [.. bytes, .. new byte[change]];
        try
        {
            Assert.Equal(-Errno.EIO, machine.Start(entry, [entry]));
            Assert.Equal(entry, machine.Name);
        }
        catch (ShieldStoppedException refusal)
        {
            machine.Lines.Add(refusal.Message);
        }

        Assert.Contains(machine.Lines, line => line.Contains(file, StringComparison.Ordinal));
        machine.Files[file] = bytes;
        Assert.Equal(0, machine.Start(entry, [entry]));
    }

    [Fact]
    public void A_manifest_of_another_publisher_is_refused()
    {
        using PublisherKey stranger = PublisherKey.Create();
        LoaderMachine strange = new(Image().Start(Program, "one", "two").Protect(null, stranger));
        LoaderMachine machine = new(Static);
        machine.Files["/.blackbox/manifest"] = strange.Files["/.blackbox/manifest"];
        machine.Files["/.blackbox/files"] = strange.Files["/.blackbox/files"];
        Assert.Contains("publisher", Refused(machine, Program, [Program, "one", "two"]).Message, StringComparison.Ordinal);
    }

    private static void AssertRefused(LoaderMachine machine, string file)
    {
        try
        {
            long result = machine.Start(Program, [Program, "one", "two"]);
            if (result == 0)
            {
                bool all = true;
                for (ulong page = 0; page < 3; page++)
                {
                    all &= AddressSpaces.TryResolve(ref machine.Thread, Low + (page << 12), UserAccess.Execute, out _);
                }

                all &= AddressSpaces.TryResolve(ref machine.Thread, TestElf.DataAt(Low), UserAccess.Read, out _);
                Assert.False(all, "changed, and nobody noticed");
            }

            // The tags belong to a program: that one is named.
            string named = file == "/.blackbox/tags" ? Program : file;
            Assert.Contains(machine.Lines, line => line.Contains(named, StringComparison.Ordinal));
        }
        catch (ShieldStoppedException refusal)
        {
            Assert.Equal(PanicReason.Verification, refusal.Reason);
            Assert.Contains(file, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(FreedomRule.Fixed, new[] { Program, "one", "two" }, true)]
    [InlineData(FreedomRule.Fixed, new[] { Program, "one" }, false)]
    [InlineData(FreedomRule.Fixed, new[] { Program, "one", "two", "three" }, false)]
    [InlineData(FreedomRule.Fixed, new[] { "program", "one", "two" }, false)]
    [InlineData(FreedomRule.Fixed, new string[0], false)]
    [InlineData(FreedomRule.Prefix, new[] { Program, "one", "two", "three" }, true)]
    [InlineData(FreedomRule.Prefix, new[] { Program, "one", "three" }, false)]
    [InlineData(FreedomRule.Prefix, new[] { Program }, false)]
    [InlineData(FreedomRule.Free, new[] { "anything" }, true)]
    public void The_rule_for_arguments_holds(FreedomRule rule, string[] arguments, bool allowed)
    {
        LoaderMachine machine = new(Image().Start(Program, "one", "two").Configure(c => c with { Protection = new(rule, FreedomRule.Fixed) }).Protect());
        if (allowed)
        {
            Assert.Equal(0, machine.Start(Program, arguments));
            Assert.Equal(arguments, machine.ReadStack().Arguments);
        }
        else
        {
            Assert.Contains("arguments", Refused(machine, Program, arguments).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(FreedomRule.Fixed, new[] { "A=own", "B=own" })]
    [InlineData(FreedomRule.Prefix, new[] { "A=own", "B=own", "C=outside" })]
    [InlineData(FreedomRule.Free, new[] { "B=outside", "C=outside", "C=again", "D=outside", "LD_PRELOAD=x" })]
    public void The_rule_for_the_environment_holds(FreedomRule rule, string[] expected)
    {
        ImagePolicy policy = Static.Manifest.Policy with { Environment = new(rule, ["A=own", "B=own"]), OutsideVariables = ["B", "C"] };
        LoaderMachine machine = new(Image().Start(Program, "one", "two").Protect(new ProtectionOptions { Policy = policy }));
        Assert.Equal(0, machine.Start(Program, [Program, "one", "two"], "B=outside", "C=outside", "C=again", "D=outside", "LD_PRELOAD=x"));
        Assert.Equal(expected, machine.ReadStack().Environment);
    }

    [Fact]
    public void Another_entry_point_needs_the_manifest()
    {
        InMemoryImage image = Image().Start(Program, "one", "two");
        Assert.Contains("entry point", Refused(new(image.Protect()), "/usr/bin/other", ["x"]).Message, StringComparison.Ordinal);
        image.Configure(c => c with { Protection = c.Protection with { ExecFromOutside = true } });
        LoaderMachine machine = Started("/usr/bin/other", ["x"], image.Protect());
        Assert.Equal(TestElf.ByteAt(0x500, 2), machine.Read(Low + 0x500, 1)[0]);
        Assert.Contains("arguments", Refused(new(image.Protect()), "/bin/program", ["x"]).Message, StringComparison.Ordinal);
        Assert.Equal(-Errno.ENOENT, new LoaderMachine(image.Protect()).Start("/usr/bin/unlisted", ["x"]));
    }

    [Theory]
    [InlineData("/usr/bin/script", "/bin/./script", new[] { "/bin/program", "-x y", "/usr/bin/script", "one" })]
    [InlineData("/usr/bin/nested", "/usr/bin/nested", new[] { "/bin/program", "-x y", "/bin/script", "/usr/bin/nested", "one" })]
    public void A_script_as_entry_point_is_started_by_its_interpreter(string entry, string passed, string[] seen)
    {
        LoaderMachine machine = new(Image().Start(entry, "one").Protect());
        Assert.Equal(0, machine.Start(passed, [entry, "one"]));
        Assert.Equal(seen, machine.ReadStack().Arguments);
        Assert.Equal(PanicReason.Start, Refused(machine, passed, [entry, "other"]).Reason);

        // The interpreter with the script among its arguments is another entry point.
        Assert.Equal(PanicReason.Start, Refused(machine, "/bin/program", ["/bin/program", "-x y", entry, "one"]).Reason);
    }

    [Fact]
    public void A_changed_script_is_refused_and_named()
    {
        LoaderMachine machine = new(Image().Start("/usr/bin/script").Protect());
        machine.Files["/usr/bin/script"][^2] ^= 1;
        Assert.Equal(-Errno.EIO, machine.Start("/usr/bin/script", ["/usr/bin/script"]));
        Assert.Contains(machine.Lines, line => line.Contains("/usr/bin/script", StringComparison.Ordinal));
    }
}
