using System.CommandLine;
using System.CommandLine.Parsing;
using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox run</c>: one container in an emulated machine, protected or not.</summary>
internal static class RunCommand
{
    // What monitor and shield say about a container: why its image was refused, for instance.
    private const string AuditPrefix = "blackbox: enclave";

    public static Command Create()
    {
        var command = new Command("run", "Starts an emulated Arm server with the monitor and Debian's stock kernel, runs a container in it, protected from that kernel, and ends with the container's exit code.").WithExamples("""
            Examples:
              ./blackbox run shell -- -c 'ls / | sort | head'
              ./blackbox run redis -p 6379:6379              then: redis-cli ping
              ./blackbox run redis.bb.tar -p 6379:6379       an image made by ./blackbox image build
              ./blackbox run shell --native -- -c 'uname -a' the same image in plain runc, without monitor and module

            An ordinary image, or a recipe, is protected with a development key first. The container shares the guest's network, so
            -p leads straight to its ports. It has no standard input. Ctrl-C stops container and machine.
            """);
        var image = new Argument<string>("image") { Description = "OCI layout, OCI or docker archive, folder with a root file system, recipe file, or name of a recipe in recipes/" };
        var words = new Argument<string[]>("arguments") { Description = "Instead of the image's own command", Arity = ArgumentArity.ZeroOrMore };
        var reference = ImageText.ReferenceOption();
        var limit = new Option<int?>("--container-memory") { Description = "Limit for the container's memory in MiB", HelpName = "MIB" };
        var allowDma = new Option<bool>("--allow-dma") { Description = "Start the container even if nothing keeps the machine's devices out of its memory" };
        command.Add(image);
        command.Add(words);
        var machine = new MachineOptionSet().AddTo(command);
        command.Add(reference);
        command.Add(limit);
        command.Add(allowDma);
        command.SetAction(async (parsed, cancellation) =>
        {
            CheckWords(parsed, image, words);
            if (parsed.GetValue(limit) is <= 0)
            {
                throw new BlackBoxException("--container-memory must be 1 MiB or more");
            }

            // What is wrong with the options is said before anything is built.
            var native = machine.IsNative(parsed);
            var options = machine.Read(parsed, monitorIsBuilt: false);
            options = options with { OnConsoleLine = Audit(options.OnConsoleLine), AnswersQuestions = !native };
            HostPorts.EnsureFree(options);
            var (running, container) = await StepDisplay.RunAsync(async progress =>
            {
                var guest = await SetupCommand.RunAsync(update: false, progress, cancellation).ConfigureAwait(false);
                using var ready = await new ImageSource(guest, progress).OpenAsync(parsed.GetValue(image)!, parsed.GetValue(reference), !native, cancellation).ConfigureAwait(false);
                var build = new ProductBuild(guest.Kernel, progress);
                if (!native && !machine.NamesMonitor(parsed))
                {
                    _ = await (machine.UsesFirmware(parsed) ? build.UefiMonitorAsync(cancellation) : build.MonitorAsync(cancellation)).ConfigureAwait(false);
                }

                var arguments = parsed.GetValue(words) is { Length: > 0 } given ? given : null;
                var made = new Container(ready.Name, ready.Content, arguments, parsed.GetValue(limit) is { } mebibytes ? (long)mebibytes << 20 : null);
                return (await ContainerMachine.StartAsync(options, [made], guest, build, progress, cancellation).ConfigureAwait(false), made);
            }).ConfigureAwait(false);

            // Open longer than the machine, whose last words come when it is stopped.
            using var output = Console.OpenStandardOutput();
            await using (running.ConfigureAwait(false))
            {
                if (!native && !parsed.GetValue(allowDma))
                {
                    await ContainerMachine.RequireDmaProtectionAsync(running, cancellation).ConfigureAwait(false);
                }

                var result = await running.ExecuteAsync($"exec {container.RunCommand}", Timeout.InfiniteTimeSpan, bytes => output.Write(bytes.Span), cancellation).ConfigureAwait(false);
                await running.ShutDownAsync().ConfigureAwait(false);
                return result.ExitCode;
            }
        });
        return command;
    }

    /// <summary>An unknown option is a mistake, not a word for the container: those stand behind "--".</summary>
    private static void CheckWords(ParseResult parsed, Argument image, Argument words)
    {
        var own = parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash).ToHashSet(ReferenceEqualityComparer.Instance);
        var given = (parsed.GetResult(image)?.Tokens ?? []).Concat(parsed.GetResult(words)?.Tokens ?? []);
        if (given.FirstOrDefault(token => own.Contains(token) && token.Value.Length > 1 && token.Value[0] == '-') is { } unknown)
        {
            throw new BlackBoxException($"unknown option {unknown.Value}", "see ./blackbox run --help; words for the container stand behind --");
        }
    }

    /// <summary>Shows what is said about enclaves, besides what the user wants to see anyway.</summary>
    private static Action<string> Audit(Action<string>? all) => all ?? (line =>
    {
        if (line.StartsWith(AuditPrefix, StringComparison.Ordinal))
        {
            Console.Error.WriteLine(line);
        }
    });
}
