using BlackBox.Debian;
using BlackBox.Guest;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Emulation;

/// <summary>What machines are started with: the cache, Debian's kernel and packages.</summary>
public sealed class GuestEnvironment
{
    private readonly IProgress<StepUpdate> _progress;

    private GuestEnvironment(string cache, DebianArchive debian, GuestKernel kernel, IProgress<StepUpdate> progress)
    {
        Cache = cache;
        Debian = debian;
        Kernel = kernel;
        Modules = new KernelModules(kernel);
        _progress = progress;
    }

    public string Cache { get; }

    public DebianArchive Debian { get; }

    public GuestKernel Kernel { get; }

    public KernelModules Modules { get; }

    /// <summary>Prepares what is missing: downloads on the first use, nothing afterwards.</summary>
    public static async Task<GuestEnvironment> OpenAsync(IProgress<StepUpdate> progress, CancellationToken cancellation, bool update = false)
    {
        var cache = BlackBoxPaths.Cache;
        var debian = new DebianArchive(cache, progress);
        if (update)
        {
            await debian.UpdateAsync(force: true, cancellation).ConfigureAwait(false);
        }

        var kernel = await GuestKernel.EnsureAsync(cache, debian, progress, update, cancellation).ConfigureAwait(false);
        return new GuestEnvironment(cache, debian, kernel, progress);
    }

    /// <summary>Writes the RAM disk for a machine.</summary>
    internal async Task WriteInitrdAsync(MachineOptions options, RootFilesystem runFiles, string path, CancellationToken cancellation)
    {
        var initrd = await GuestInitrd.CreateAsync(Cache, Debian, _progress, cancellation).ConfigureAwait(false);
        initrd.Add(Modules.ToGuestFiles(options.AllModules));
        foreach (var files in options.Files)
        {
            initrd.Add(files);
        }

        initrd.Add(runFiles);
        await initrd.WriteAsync(path, cancellation).ConfigureAwait(false);
    }
}
