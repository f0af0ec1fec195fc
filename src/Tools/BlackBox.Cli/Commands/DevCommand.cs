using System.CommandLine;
using BlackBox.Debian;
using BlackBox.Emulation;
using BlackBox.Guest;
using BlackBox.Hosting;
using BlackBox.Images;
using BlackBox.Recipes;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox dev</c>: the emulated machine for people who work on BlackBox itself.</summary>
internal static class DevCommand
{
    public static Command Create()
    {
        var command = new Command("dev", "The emulated machine and the verification of the sources, for work on BlackBox itself")
        {
            CreateShell(),
            CreateExec(),
            CreatePaths(),
            CreateRecipe(),
            CreateContainer(),
        };
        foreach (var verification in VerificationCommands.Create())
        {
            command.Add(verification);
        }

        return command;
    }

    private static Command CreateShell()
    {
        var command = new Command("shell", "A root shell on the machine's console. 'poweroff -f' or Ctrl-A X ends the machine, Ctrl-A C is QEMU's own monitor.").WithExamples("""
            Examples:
              ./blackbox dev shell --native
              ./blackbox dev shell --gdb 1234 --wait      then: gdb-multiarch -ex 'target remote :1234'
            """);
        var machine = new MachineOptionSet().AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = machine.Read(parsed);
            var guest = await StepDisplay.RunAsync(progress => GuestEnvironment.OpenAsync(progress, cancellation)).ConfigureAwait(false);
            return await MachineJob.RunInteractiveAsync(options, guest, cancellation).ConfigureAwait(false);
        });
        return command;
    }

    private static Command CreateExec()
    {
        var command = new Command("exec", "Starts a machine, runs one command in it as root, and ends with the command's exit code.").WithExamples("""
            Examples:
              ./blackbox dev exec --native -- uname -a
              ./blackbox dev exec -f ./module:/job -- 'insmod /job/blackbox.ko && dmesg | tail'
              ./blackbox dev exec --repeatable -c 1 -- cat /proc/interrupts
            """);
        var machine = new MachineOptionSet().AddTo(command);
        var repeatable = new Option<bool>("--repeatable") { Description = "Count instructions: the same run gives the same output, bit for bit" };
        var timeout = new Option<int>("--timeout") { Description = "Seconds the command may take", DefaultValueFactory = _ => 300, HelpName = "SECONDS" };
        var words = new Argument<string[]>("command") { Description = "The command; several words are joined by spaces and given to the guest's shell", Arity = ArgumentArity.OneOrMore };
        command.Add(repeatable);
        command.Add(timeout);
        command.Add(words);
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = machine.Read(parsed) with { Repeatable = parsed.GetValue(repeatable) };
            var script = string.Join(' ', parsed.GetValue(words)!);
            var limit = TimeSpan.FromSeconds(parsed.GetValue(timeout));
            var guest = await StepDisplay.RunAsync(progress => GuestEnvironment.OpenAsync(progress, cancellation)).ConfigureAwait(false);
            using var output = Console.OpenStandardOutput();
            if (options.Repeatable)
            {
                var results = await MachineJob.RunAsync(options, guest, [script], limit, cancellation).ConfigureAwait(false);
                output.Write(results[0].Bytes);
                return results[0].ExitCode;
            }

            var running = await EmulatedMachine.StartAsync(options, guest, cancellation).ConfigureAwait(false);
            await using (running.ConfigureAwait(false))
            {
                var result = await running.ExecuteAsync(script, limit, bytes => output.Write(bytes.Span), cancellation).ConfigureAwait(false);
                await running.ShutDownAsync().ConfigureAwait(false);
                return result.ExitCode;
            }
        });
        return command;
    }

    private static Command CreateRecipe()
    {
        var command = new Command("recipe", "Builds a recipe's plain root file system").WithExamples("""
            Examples:
              ./blackbox dev recipe redis                    lists what would be in it
              ./blackbox dev recipe redis --tar redis.tar
              ./blackbox dev recipe my.json --folder root
            """);
        var name = new Argument<string>("recipe") { Description = "A recipe file, or the name of one in recipes/" };
        var tar = new Option<string?>("--tar") { Description = "Write an archive", HelpName = "FILE" };
        var folder = new Option<string?>("--folder") { Description = "Write a folder, which must not exist", HelpName = "FOLDER" };
        command.Add(name);
        command.Add(tar);
        command.Add(folder);
        command.SetAction(async (parsed, cancellation) =>
        {
            var recipe = RecipeReader.Find(parsed.GetValue(name)!, BlackBoxPaths.RepositoryOrNull);
            var content = await StepDisplay.RunAsync(progress => new RecipeBuilder(
                BlackBoxPaths.Cache, new DebianArchive(BlackBoxPaths.Cache, progress), progress).BuildAsync(recipe, cancellation)).ConfigureAwait(false);
            if (parsed.GetValue(tar) is { } file)
            {
                await AtomicOutput.WriteFileAsync(Path.GetFullPath(file), output =>
                {
                    RootFilesystemTar.Write(content.Root, output);
                    return Task.CompletedTask;
                }).ConfigureAwait(false);
            }

            if (parsed.GetValue(folder) is { } target)
            {
                RootFilesystemFolder.Write(content.Root, target);
            }

            if (parsed.GetValue(tar) is null && parsed.GetValue(folder) is null)
            {
                foreach (var entry in content.Root.Entries)
                {
                    Console.WriteLine($"{Convert.ToString(entry.Mode, 8),5} {entry.UserId}:{entry.GroupId} {entry.Length,9} {entry.Path}{(entry.LinkTarget is null ? "" : " -> " + entry.LinkTarget)}");
                }
            }

            Console.Error.WriteLine($"{content.Root.Entries.Count} files, {content.Root.TotalLength / 1024.0 / 1024.0:0.0} MiB");
            return 0;
        });
        return command;
    }

    private static Command CreateContainer()
    {
        var command = new Command("container", "Builds a recipe and runs it as an ordinary container in stock runc, without any protection").WithExamples("""
            Examples:
              ./blackbox dev container shell -- -c 'ls / | sort | head'
              ./blackbox dev container redis -p 6379:6379         then: redis-cli ping
            """);
        var name = new Argument<string>("recipe") { Description = "A recipe file, or the name of one in recipes/" };
        var words = new Argument<string[]>("arguments") { Description = "Instead of the recipe's own command", Arity = ArgumentArity.ZeroOrMore };
        command.Add(name);
        command.Add(words);
        var machine = new MachineOptionSet(alwaysNative: true).AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var recipe = RecipeReader.Find(parsed.GetValue(name)!, BlackBoxPaths.RepositoryOrNull);
            var arguments = parsed.GetValue(words) is { Length: > 0 } given ? given : null;
            var running = await StepDisplay.RunAsync(async progress =>
            {
                var guest = await GuestEnvironment.OpenAsync(progress, cancellation).ConfigureAwait(false);
                var content = await new RecipeBuilder(guest.Cache, guest.Debian, progress).BuildAsync(recipe, cancellation).ConfigureAwait(false);
                var tools = await GuestTools.OpenAsync(GuestTools.ContainerTools, guest, progress, cancellation).ConfigureAwait(false);
                var options = machine.Read(parsed);
                options = options with { Files = [tools, OciBundle.Create(content, recipe.Name, arguments), .. options.Files] };
                return await EmulatedMachine.StartAsync(options, guest, cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
            using var output = Console.OpenStandardOutput();
            await using (running.ConfigureAwait(false))
            {
                var result = await running.ExecuteAsync(
                    $"exec runc run --bundle {OciBundle.Folder}/{recipe.Name} {recipe.Name}", Timeout.InfiniteTimeSpan, bytes => output.Write(bytes.Span), cancellation).ConfigureAwait(false);
                await running.ShutDownAsync().ConfigureAwait(false);
                return result.ExitCode;
            }
        });
        return command;
    }

    private static Command CreatePaths()
    {
        var command = new Command("paths", "Where kernel, modules, headers and cache are, as NAME=VALUE lines (for scripts and makefiles)");
        command.SetAction(async (_, cancellation) =>
        {
            var guest = await StepDisplay.RunAsync(progress => GuestEnvironment.OpenAsync(progress, cancellation)).ConfigureAwait(false);
            Console.WriteLine($"CACHE={BlackBoxPaths.Cache}");
            Console.WriteLine($"KERNEL_RELEASE={guest.Kernel.Release}");
            Console.WriteLine($"KERNEL_IMAGE={guest.Kernel.Image}");
            Console.WriteLine($"KERNEL_MODULES={guest.Kernel.Modules}");
            Console.WriteLine($"KERNEL_HEADERS={guest.Kernel.Headers}");
            Console.WriteLine($"SYSTEM_MAP={guest.Kernel.SystemMap}");
            return 0;
        });
        return command;
    }
}
