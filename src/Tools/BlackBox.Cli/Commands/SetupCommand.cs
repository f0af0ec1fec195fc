using System.CommandLine;
using BlackBox.Emulation;
using BlackBox.Guest;
using BlackBox.Hosting;

namespace BlackBox.Cli.Commands;

/// <summary>
/// <c>blackbox setup</c>: installs the host's packages and downloads the guest's. Can be interrupted and repeated:
/// what is complete stays, what is not is made again.
/// </summary>
internal static class SetupCommand
{
    private const string HostStep = "Packages for this host";

    public static Command Create()
    {
        var command = new Command("setup", "Installs what the host needs (through apt-get; asks sudo for the rights) and downloads kernel and base system of the guest. The other commands do this by themselves when something is missing.").WithExamples("""
            Example:
              ./blackbox setup --update     takes Debian's newest kernel
            """);
        var update = new Option<bool>("--update") { Description = "Fetch fresh package lists and the newest kernel" };
        command.Add(update);
        command.SetAction(async (parsed, cancellation) =>
        {
            await RunAsync(parsed.GetValue(update), cancellation).ConfigureAwait(false);
            Console.WriteLine($"Ready. Everything downloaded is in {BlackBoxPaths.Cache}");
            return 0;
        });
        return command;
    }

    /// <summary>Does what is missing; quick when nothing is.</summary>
    public static Task RunAsync(bool update, CancellationToken cancellation) => StepDisplay.RunAsync(progress => RunAsync(update, progress, cancellation));

    /// <inheritdoc cref="RunAsync(bool, CancellationToken)"/>
    public static async Task<GuestEnvironment> RunAsync(bool update, IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        await InstallHostPackagesAsync(progress, cancellation).ConfigureAwait(false);
        var guest = await GuestEnvironment.OpenAsync(progress, cancellation, update).ConfigureAwait(false);
        _ = await GuestInitrd.CreateAsync(guest.Cache, guest.Debian, progress, cancellation).ConfigureAwait(false);
        return guest;
    }

    private static async Task InstallHostPackagesAsync(IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        var missing = HostRequirements.Check(BlackBoxPaths.Cache)
            .Where(item => !item.Found && item.Kind == RequirementKind.Needed && item.DebianPackage is not null)
            .Select(item => item.DebianPackage!).Distinct().ToList();
        if (missing.Count == 0)
        {
            return;
        }

        if (ExternalProcess.Find("apt-get") is null)
        {
            throw new BlackBoxException("this host has no apt-get", "BlackBox's tools need Debian 12; on another system install what ./blackbox doctor lists");
        }

        var sudo = Environment.IsPrivilegedProcess ? [] : SudoPrefix(missing);
        async Task AptAsync(string detail, params string[] arguments)
        {
            progress.Report(new StepUpdate(HostStep, double.NaN, detail));
            string[] line = [.. sudo, "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "-o", "APT::Sandbox::Seccomp=0", .. arguments];
            var lines = 0;
            var result = await ExternalProcess.RunAsync(line[0], line[1..], cancellation,
                environment: new Dictionary<string, string> { ["DEBIAN_FRONTEND"] = "noninteractive" },
                onLine: text => progress.Report(new StepUpdate(HostStep, double.NaN, $"{detail} ({++lines}) {text.Trim()[..Math.Min(text.Trim().Length, 50)]}"))).ConfigureAwait(false);
            if (result.ExitCode != 0)
            {
                throw new BlackBoxException($"apt-get {arguments[0]} failed: {result.Tail(3)}", $"try it by hand: {HostRequirements.AptCommand(missing)}");
            }
        }

        await AptAsync("apt-get update", "update").ConfigureAwait(false);
        await AptAsync($"installing {string.Join(", ", missing)}", ["install", "-y", "--no-install-recommends", .. missing]).ConfigureAwait(false);
        progress.Report(new StepUpdate(HostStep, 1, "installed"));
    }

    private static string[] SudoPrefix(List<string> missing)
    {
        // Without a terminal sudo could not ask for the password behind the progress bars: -n lets it fail at once.
        return ExternalProcess.Find("sudo") is { } sudo
            ? [sudo, "-n"]
            : throw new BlackBoxException("installing Debian packages needs root rights", $"as root: apt-get install -y --no-install-recommends {string.Join(' ', missing)}");
    }
}
