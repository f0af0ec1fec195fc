using BlackBox.Building;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Attacks;

/// <summary>The hostile module, the victims and their images, built and laid out for the guest.</summary>
internal sealed class GuestPieces
{
    private const string Step = "Pieces for the attacks";

    private GuestPieces(GuestEnvironment guest, RootFilesystem files)
    {
        Guest = guest;
        Files = files;
    }

    public GuestEnvironment Guest { get; }

    public RootFilesystem Files { get; }

    public static async Task<GuestPieces> BuildAsync(GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        var module = await build.ModuleAsync(cancellation);
        var repository = BlackBoxPaths.Repository;
        var output = Path.Combine(repository, "artifacts", "attacks");
        var headers = "KDIR=" + guest.Kernel.Headers;
        progress.Report(new StepUpdate(Step, 0.1, "the hostile module"));
        using var guard = await CacheLock.AcquireAsync(output + ".lock", null, cancellation);
        await MakeAsync("tests/Attacks/HostileModule", "hostile", headers);
        progress.Report(new StepUpdate(Step, 0.8, "victims"));
        await MakeAsync("tests/Attacks/Victims", "victims", headers);

        var files = new RootFilesystem();
        AddFile("/attacks/blackbox.ko", module);
        AddFile("/attacks/hostile.ko", Path.Combine(output, "hostile", "hostile.ko"));
        AddFile("/attacks/hostile", Path.Combine(output, "hostile", "hostile"));
        AddFile("/attacks/victims.sh", Path.Combine(repository, "tests", "Attacks", "Victims", "victims.sh"));
        var victim = await File.ReadAllBytesAsync(Path.Combine(output, "victims", "victim"), cancellation);
        foreach (var (name, root) in AttackImages.Create(victim))
        {
            AddRoot(name, root);
        }

        progress.Report(new StepUpdate(Step, 1, ""));
        return new GuestPieces(guest, files);

        Task MakeAsync(string folder, string name, string variable) => ExternalProcess.RunCheckedAsync(
            "make", ["-C", Path.Combine(repository, folder), variable, "OUTPUT=" + Path.Combine(output, name)], cancellation);

        void AddFile(string path, string host) => files.Add(RootEntry.File(RootPath.Parse(path), ContentSource.FromFile(host), 0x1ED));

        void AddRoot(string name, RootFilesystem root)
        {
            var folder = RootPath.Parse(name);
            foreach (var entry in root.Entries)
            {
                files.Add(entry.At(entry.Path.IsRoot ? folder : folder.Combine(entry.Path.Relative)));
            }
        }
    }
}
