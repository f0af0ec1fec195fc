using System.Text.Json;
using BlackBox.Building;
using BlackBox.Emulation;
using BlackBox.Guest;
using BlackBox.Hosting;
using BlackBox.Images;
using BlackBox.Recipes;

namespace BlackBox.Containers;

/// <summary>An emulated machine with containers in it, ready to be started.</summary>
public static class ContainerMachine
{
    private const string ModulePath = "/usr/lib/blackbox/blackbox.ko";
    // Bit 0 of the features that the hypercall Version tells.
    private const ulong DmaProtection = 1;

    private const string RuntimePath = "/usr/bin/blackbox-runtime";

    /// <summary>
    /// Starts a machine that holds the containers as OCI bundles, and the stock runtime. With a monitor
    /// (<see cref="MachineOptions.Monitor"/>) the module is loaded and the runtime for protected containers is there.
    /// </summary>
    /// <exception cref="BlackBoxException">Something could not be built, or the machine did not come up.</exception>
    public static async Task<EmulatedMachine> StartAsync(
        MachineOptions options, IReadOnlyList<Container> containers, GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(containers);
        ArgumentNullException.ThrowIfNull(guest);
        ArgumentNullException.ThrowIfNull(build);
        ArgumentNullException.ThrowIfNull(progress);
        if (options.Monitor is null && containers.FirstOrDefault(container => container.IsProtected) is { } refused)
        {
            throw new BlackBoxException($"container {refused.Id} is protected, but the machine has no monitor");
        }

        List<RootFilesystem> files = [await GuestTools.OpenAsync(GuestTools.ContainerTools, guest, progress, cancellation).ConfigureAwait(false)];
        if (options.Monitor is not null)
        {
            files.Add(await ProtectionFilesAsync(build, cancellation).ConfigureAwait(false));
        }

        files.AddRange(containers.Select(container => OciBundle.Create(container.Content, container.Id, container.Arguments, container.MemoryLimit)));
        progress.Report(new StepUpdate("Emulated machine", double.NaN, "starting"));
        var machine = await EmulatedMachine.StartAsync(options with { Files = [.. files, .. options.Files] }, guest, cancellation).ConfigureAwait(false);
        try
        {
            if (options.Monitor is not null)
            {
                await LoadModuleAsync(machine, ModulePath, cancellation).ConfigureAwait(false);
            }

            progress.Report(new StepUpdate("Emulated machine", 1, "running"));
            return machine;
        }
        catch
        {
            await machine.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Loads a module that is among the guest's files.</summary>
    /// <exception cref="BlackBoxException">The kernel refused it; the message holds what it said.</exception>
    public static async Task LoadModuleAsync(EmulatedMachine machine, string path, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var result = await machine.ExecuteAsync($"insmod {path} || {{ code=$?; dmesg | tail -n 3; exit $code; }}", cancellation: cancellation).ConfigureAwait(false);
        if (!result.Succeeded)
        {
            throw new BlackBoxException($"{Path.GetFileName(path)} could not be loaded: {result.Output.Trim().ReplaceLineEndings("; ")}");
        }
    }

    /// <summary>Refuses a machine whose devices may reach all memory, containers' as well.</summary>
    /// <exception cref="BlackBoxException">The monitor does not own an SMMU in front of them, or nobody can say.</exception>
    public static async Task RequireDmaProtectionAsync(EmulatedMachine machine, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var result = await machine.ExecuteAsync("blackbox-runtime statistics", cancellation: cancellation).ConfigureAwait(false);
        ulong features;
        try
        {
            using var statistics = JsonDocument.Parse(result.Output);
            features = statistics.RootElement.GetProperty("version").GetProperty("features").GetUInt64();
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new BlackBoxException($"the guest does not say what its monitor protects against: {result.Output.Trim()}", null, error);
        }

        if ((features & DmaProtection) == 0)
        {
            throw new BlackBoxException(
                "nothing confines this machine's devices: they can read and write the container's memory",
                "start a machine with an SMMU, or accept it with --allow-dma");
        }
    }

    private static async Task<RootFilesystem> ProtectionFilesAsync(ProductBuild build, CancellationToken cancellation)
    {
        var files = new RootFilesystem();
        files.Add(RootEntry.File(RootPath.Parse(ModulePath), ContentSource.FromFile(await build.ModuleAsync(cancellation).ConfigureAwait(false))));
        files.Add(RootEntry.File(RootPath.Parse(RuntimePath), ContentSource.FromFile(await build.RuntimeAsync(cancellation).ConfigureAwait(false)), 0x1ED));
        return files;
    }
}
