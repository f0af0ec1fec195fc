using System.CommandLine;
using System.Text.Json;
using BlackBox.Images;
using Spectre.Console;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox image inspect</c>: what a protected image says about itself, unchecked.</summary>
internal static class ImageInspectCommand
{
    public static Command Create()
    {
        var image = ImageText.ImageArgument();
        var reference = ImageText.ReferenceOption();
        var files = new Option<bool>("--files") { Description = "List the files of the table as well" };
        var json = ImageText.JsonOption();
        var command = new Command("inspect", "Shows manifest, policy and files of a protected image. Needs no key and checks no signature: that is what verify does.") { image, reference, files, json };
        command.SetAction((parsed, cancellation) =>
        {
            using var opened = OpenedImage.Open(parsed.GetValue(image)!, parsed.GetValue(reference), cancellation: cancellation);
            var stored = StoredImage.Read(opened.Content.Root);
            var rows = Describe(stored);
            if (parsed.GetValue(json))
            {
                WriteJson(stored, rows);
            }
            else
            {
                Write(stored, rows, parsed.GetValue(files));
            }

            return Task.FromResult(0);
        });
        return command.WithExamples("""
            Examples:
              ./blackbox image inspect redis.bb --files
              ./blackbox image inspect redis.bb.tar --json
            """);
    }

    private sealed record Row(string Path, string Kind, long Size, string Mode, string? Target, string Owner);

    private static List<Row> Describe(StoredImage stored)
    {
        var paths = stored.Root.Entries.ToDictionary(entry => Convert.ToHexString(ImageFormat.HashPath(entry.Path)), entry => entry.Path.Text);
        return
        [
            .. stored.ReadRecords().Select(record => new Row(
                paths.GetValueOrDefault(Convert.ToHexString(record.PathHash), $"(missing) {Convert.ToHexStringLower(record.PathHash)}"),
                record.IsLink ? "link"
                    : record.IsDirectory ? "folder"
                    : record.Flags.HasFlag(FileFlags.Code) ? "code"
                    : record.Flags.HasFlag(FileFlags.Script) ? "script"
                    : record.IsProtected ? "data" : "clear",
                record.Size,
                Convert.ToString(record.Mode & 0xFFF, 8).PadLeft(4, '0'),
                record.LinkTarget,
                $"{record.UserId}:{record.GroupId}")).OrderBy(row => row.Path, StringComparer.Ordinal),
        ];
    }

    private static void WriteJson(StoredImage stored, List<Row> rows)
    {
        var (manifest, policy) = (stored.Manifest, stored.Manifest.Policy);
        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                manifest.Name,
                manifest.Counter,
                Publisher = stored.PublisherDigest,
                Platforms = stored.Keys.Select(key => Convert.ToHexStringLower(key.PlatformId)),
                TableDigest = Convert.ToHexStringLower(manifest.TableDigest),
                Policy = new
                {
                    policy.EntryPoint,
                    Arguments = new { policy.Arguments.Rule, policy.Arguments.Values },
                    Environment = new { policy.Environment.Rule, policy.Environment.Values, policy.OutsideVariables },
                    Jit = policy.AllowsJit,
                    Exec = policy.AllowsExec,
                    policy.Debug,
                    policy.WorkingDirectory,
                    Writable = policy.WritablePaths,
                    Clear = policy.ClearPaths,
                    Limits = new { policy.Limits.MemoryMebibytes, policy.Limits.Processes },
                },
                Files = rows,
            },
            ImageText.Json));
    }

    private static void Write(StoredImage stored, List<Row> rows, bool files)
    {
        var (manifest, policy) = (stored.Manifest, stored.Manifest.Policy);
        var table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns("", "");
        void Add(string name, string value) => table.AddRow(Markup.Escape(name), Markup.Escape(value));
        Add("Name", $"{manifest.Name}, version counter {manifest.Counter}");
        Add("Publisher", stored.PublisherDigest);
        Add("Platforms", string.Join(", ", stored.Keys.Select(key => Convert.ToHexStringLower(key.PlatformId)
            + (key.PlatformId.AsSpan().SequenceEqual(PlatformKey.Development.Id) ? " (development)" : ""))));
        Add("Entry point", policy.EntryPoint);
        Add("Arguments", $"{Rule(policy.Arguments)}: {string.Join(' ', policy.Arguments.Values)}");
        Add("Environment", $"{Rule(policy.Environment)}: {string.Join(' ', policy.Environment.Values)}");
        Add("From outside", policy.OutsideVariables.Count == 0 ? "no variable" : string.Join(' ', policy.OutsideVariables));
        Add("Working directory", policy.WorkingDirectory);
        Add("Writable", string.Join(' ', policy.WritablePaths));
        Add("Clear", string.Join(' ', policy.ClearPaths));
        Add("Limits", $"{(policy.Limits.MemoryMebibytes == 0 ? "any" : $"{policy.Limits.MemoryMebibytes} MiB")} memory, {(policy.Limits.Processes == 0 ? "any" : $"{policy.Limits.Processes}")} processes");
        Add("Allowed", string.Join(", ", new[] { policy.AllowsJit ? "JIT" : null, policy.AllowsExec ? "exec from outside" : null, policy.Debug ? "debugging" : null }.OfType<string>().DefaultIfEmpty("nothing special")));
        foreach (var group in rows.GroupBy(row => row.Kind).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            Add($"Files: {group.Key}", $"{group.Count()}{(group.Key is "link" or "folder" ? "" : $", {group.Sum(row => row.Size) >> 10} KiB")}");
        }

        AnsiConsole.Write(table);
        if (files)
        {
            foreach (var row in rows)
            {
                Console.WriteLine($"{row.Kind,-7}{row.Mode} {row.Owner,-9} {row.Size,12} {row.Path}{(row.Target is null ? "" : $" -> {row.Target}")}");
            }
        }
    }

    private static string Rule(ListRule rule) => rule.Rule switch
    {
        FreedomRule.Fixed => "fixed",
        FreedomRule.Prefix => "begins with",
        _ => "free",
    };
}
