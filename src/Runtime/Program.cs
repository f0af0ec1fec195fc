namespace BlackBox.Runtime;

/// <summary>
/// The OCI runtime <c>blackbox-runtime</c>. It takes runc's command line. Before <c>create</c> and <c>run</c> it checks
/// that the bundle is a protected image and that this host can protect it; then, as for every other verb, stock runc takes
/// its place. What the bundle says (arguments, seccomp, limits, mounts) is not touched: the shield checks it against the
/// signed manifest. Three verbs are its own: <c>statistics</c>, <c>audit</c> and <c>platform</c>.
/// </summary>
/// <remarks>
/// The wrapper is part of the untrusted operating system. Its checks make errors early and clear; protection does not
/// depend on them.
/// </remarks>
internal static class Program
{
    private const int ExitError = 1;

    public static int Main(string[] arguments)
    {
        CommandLine line;
        try
        {
            line = CommandLine.Parse(arguments);
        }
        catch (RuntimeException error)
        {
            Console.Error.WriteLine($"blackbox-runtime: {error.Message}");
            return ExitError;
        }

        try
        {
            if (line.Verb == "statistics")
            {
                Console.Out.WriteLine(Statistics.ReadJson());
                return 0;
            }

            if (line.Verb == "audit")
            {
                Console.Out.WriteLine(Audit.ReadJson());
                return 0;
            }

            if (line.Verb == "platform")
            {
                Console.Out.WriteLine(Platform.ReadJson());
                return 0;
            }

            if (line.Verb is "create" or "run")
            {
                Bundle.Check(line.Bundle);
                Device.Check();
            }

            return Runc.Replace(arguments);
        }
        catch (RuntimeException error)
        {
            ErrorLog.Write(line, error.Message);
            return ExitError;
        }
    }
}
