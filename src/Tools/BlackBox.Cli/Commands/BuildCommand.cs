using System.CommandLine;
using BlackBox.Building;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox build</c>: everything that runs in the emulated machine. The other commands do it by themselves.</summary>
internal static class BuildCommand
{
    public static Command Create()
    {
        var command = new Command("build", "Builds what runs in the emulated machine, as far as it is not up to date: monitor and shield, the kernel module, the container runtime, the programs of the demonstration. The other commands do this by themselves.").WithExamples("""
            Example:
              ./blackbox build           leaves artifacts/images/monitor.bin and artifacts/guest/
            """);
        command.SetAction(async (_, cancellation) =>
        {
            await StepDisplay.RunAsync(async progress =>
            {
                var guest = await SetupCommand.RunAsync(update: false, progress, cancellation).ConfigureAwait(false);
                await new ProductBuild(guest.Kernel, progress).BuildAllAsync(cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
            Console.WriteLine("Everything is built.");
            return 0;
        });
        return command;
    }
}
