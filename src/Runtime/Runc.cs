namespace BlackBox.Runtime;

/// <summary>Stock runc.</summary>
internal static class Runc
{
    private const string Variable = "BLACKBOX_RUNC";

    /// <summary>Puts runc in this process's place.</summary>
    /// <exception cref="RuntimeException">It is not there.</exception>
    public static int Replace(IReadOnlyList<string> arguments)
    {
        var program = Find();
        var error = Libc.Execute(program, ["runc", .. arguments]);
        throw new RuntimeException($"{program} cannot be started (error {error})");
    }

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return File.Exists(named) ? named : throw new RuntimeException($"{named}, which {Variable} names, does not exist");
        }

        return $"{Environment.GetEnvironmentVariable("PATH")}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, "runc"))
            .FirstOrDefault(File.Exists)
            ?? throw new RuntimeException($"runc was not found in PATH; install it, or set {Variable}");
    }
}
