using BlackBox.Hosting;

namespace BlackBox.Emulation;

/// <summary>Ways to use a machine once.</summary>
public static class MachineJob
{
    /// <summary>
    /// Starts a machine, runs the scripts one after another, stops it. The scripts are part of the RAM disk, so that a
    /// repeatable run gives the same console and the same results each time.
    /// </summary>
    /// <param name="timeout">For all scripts together, after the start.</param>
    /// <returns>One result for each script.</returns>
    /// <exception cref="BlackBoxException">The machine failed before the last script had ended.</exception>
    public static async Task<IReadOnlyList<CommandResult>> RunAsync(
        MachineOptions options, GuestEnvironment guest, IReadOnlyList<string> scripts, TimeSpan timeout, CancellationToken cancellation)
    {
        var machine = await EmulatedMachine.StartAsync(options, guest, scripts, cancellation).ConfigureAwait(false);
        await using (machine.ConfigureAwait(false))
        {
            return await machine.CollectAsync(machine.BatchResults, timeout, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Gives the user's terminal to the guest's console until the machine ends.</summary>
    /// <returns>QEMU's exit code.</returns>
    public static async Task<int> RunInteractiveAsync(MachineOptions options, GuestEnvironment guest, CancellationToken cancellation)
    {
        HostPorts.EnsureFree(options);
        using var folder = new RunFolder();
        await guest.WriteInitrdAsync(options, new Images.RootFilesystem(), folder.File("initrd"), cancellation).ConfigureAwait(false);
        var wiring = new MachineWiring(folder.File("initrd"), "", null, null, null, OutputToFiles: false);
        var firmware = await EmulatedMachine.PrepareFirmwareAsync(options, guest, wiring, folder, cancellation).ConfigureAwait(false);
        await using var tpm = firmware?.Tpm is { } files ? await EmulatedTpm.StartAsync(files, cancellation).ConfigureAwait(false) : null;
        using var process = await QemuProcess.StartAsync(QemuCommandLine.Build(options, guest.Kernel, wiring, firmware), interactive: true).ConfigureAwait(false);
        using var registration = cancellation.Register(() => ExternalProcess.KillTree(process));
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        return process.ExitCode;
    }
}
