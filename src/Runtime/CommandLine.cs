namespace BlackBox.Runtime;

/// <summary>
/// What of runc's command line (runc(8): runc [global options] VERB [options] ID) matters to the wrapper. Everything is
/// passed on to runc unchanged, so only the shape of the options has to be known: which of them take a value.
/// </summary>
/// <param name="Verb">Empty when there is none.</param>
/// <param name="Bundle">Folder of the bundle; the current one unless the line names another.</param>
/// <param name="Log">File for errors, or null.</param>
/// <param name="JsonLog">The log's lines are JSON objects.</param>
internal sealed record CommandLine(string Verb, string Bundle, string? Log, bool JsonLog)
{
    private static readonly string[] GlobalWithValue = ["log", "log-format", "root", "criu", "rootless"];
    private static readonly string[] StartWithValue = ["bundle", "b", "console-socket", "pid-file", "preserve-fds"];

    /// <exception cref="RuntimeException">An option lacks its value.</exception>
    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        string verb = "", bundle = ".", format = "text";
        string? log = null;
        for (var i = 0; i < arguments.Count; i++)
        {
            var word = arguments[i];
            if (word.Length < 2 || word[0] != '-')
            {
                if (verb.Length > 0)
                {
                    // The container's name: what follows it is not the runtime's.
                    break;
                }

                verb = word;
                continue;
            }

            if (word == "--")
            {
                break;
            }

            var name = word.TrimStart('-');
            string? value = null;
            if (name.IndexOf('=') is > 0 and var at)
            {
                (name, value) = (name[..at], name[(at + 1)..]);
            }
            else if ((verb.Length == 0 ? GlobalWithValue : StartWithValue).Contains(name))
            {
                value = ++i < arguments.Count ? arguments[i] : throw new RuntimeException($"{word} needs a value");
            }

            switch (name)
            {
                case "log" when verb.Length == 0: log = value; break;
                case "log-format" when verb.Length == 0: format = value ?? format; break;
                case "bundle" or "b" when verb.Length > 0: bundle = value ?? bundle; break;
                default: break;
            }
        }

        return new CommandLine(verb, bundle, log is "" ? null : log, format == "json");
    }
}
