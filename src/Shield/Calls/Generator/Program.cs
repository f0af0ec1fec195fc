using System.Text;
using System.Text.Json;
using BlackBox.Shield.Calls.Generator;

string root = FindRoot();
string calls = Path.Combine(root, "src", "Shield", "Calls");
CallFile file = JsonSerializer.Deserialize<CallFile>(File.ReadAllText(Path.Combine(calls, "calls.json")))
    ?? throw new FormatException("calls.json is empty");
Validate(file.Calls);

(string Path, string Text)[] outputs =
[
    (Path.Combine(calls, "Generated", "CallTable.g.cs"), Writer.Table(file.Calls)),
    (Path.Combine(calls, "Generated", "CallHandlers.g.cs"), Writer.Handlers(file.Calls)),
    (Path.Combine(root, "docs", "syscalls.md"), Writer.Document(file.Calls)),
];
int stale = 0;
foreach ((string path, string text) in outputs)
{
    bool current = File.Exists(path) && File.ReadAllText(path) == text;
    if (current)
    {
        continue;
    }

    if (args.Contains("--check"))
    {
        Console.Error.WriteLine($"{Path.GetRelativePath(root, path)} is not what calls.json says");
        stale++;
        continue;
    }

    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
    File.WriteAllText(path, text, new UTF8Encoding(false));
    Console.WriteLine($"wrote {Path.GetRelativePath(root, path)}");
}

return stale == 0 ? 0 : 1;

static void Validate(IReadOnlyList<CallEntry> calls)
{
    string[] support = ["local", "forwarded", "partial", "denied", "absent"];
    int last = -1;
    foreach (CallEntry call in calls)
    {
        bool good = call.Number > last && support.Contains(call.Support)
            && (call.Support == "denied") == (call.Error is not null)
            && (call.Support is not ("forwarded" or "partial") || call.Handler is not null || call.Args is not null)
            && (call.Args?.Count ?? 0) <= 6
            && (call.Result is null || Writer.Results.ContainsKey(call.Result));
        if (!good)
        {
            throw new FormatException($"entry of {call.Name} ({call.Number}) is inconsistent");
        }

        last = call.Number;
    }
}

static string FindRoot()
{
    DirectoryInfo? folder = new(Environment.CurrentDirectory);
    while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Directory.Packages.props")))
    {
        folder = folder.Parent;
    }

    return folder?.FullName ?? throw new DirectoryNotFoundException("run it inside the repository");
}
