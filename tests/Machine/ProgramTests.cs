using System.Globalization;
using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;
using Xunit;

namespace BlackBox.Machine.Tests;

/// <summary>
/// The programs of tests/Machine/Programs, each of which checks itself: in a plain container, which shows that the check is
/// right about Linux, and in a protected one. One machine and two containers for all of them.
/// </summary>
public sealed class ProgramTests(ProgramTests.Fixture fixture) : IClassFixture<ProgramTests.Fixture>
{
    public static TheoryData<string> Programs => [.. Names];

    private static IEnumerable<string> Names => Directory.EnumerateFiles(Sources, "*.c").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal);

    private static string Sources => Path.Combine(BlackBoxPaths.Repository, "tests", "Machine", "Programs");

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Runs_natively(string program) => Passed((await fixture.NativeAsync()).Of(program));

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Runs_protected(string program) => Passed((await fixture.ProtectedAsync()).Of(program));

    // The whole text: Assert.Equal would show its beginning only.
    private static void Passed(string outcome) => Assert.True(outcome == "0", outcome);

    /// <summary>What one container said.</summary>
    public sealed record Run(IReadOnlyDictionary<string, string> ExitCodes, string Output)
    {
        /// <summary>The exit code, with the output if it is another than 0.</summary>
        public string Of(string program) => ExitCodes.TryGetValue(program, out var code) && code == "0" ? code : $"{code ?? "did not end"}: {Output}";
    }

    /// <summary>The machine, started by the first test.</summary>
    public sealed class Fixture : IAsyncDisposable
    {
        private Task<EmulatedMachine>? _machine;
        private Task<Run>? _native;
        private Task<Run>? _protected;

        public Task<Run> NativeAsync() => _native ??= RunAsync("native");

        public Task<Run> ProtectedAsync() => _protected ??= RunAsync("protected");

        public async ValueTask DisposeAsync()
        {
            if (_machine is not null)
            {
                await (await _machine).DisposeAsync();
            }
        }

        private static async Task<EmulatedMachine> StartAsync()
        {
            var guest = await Guests.EnvironmentAsync();
            var cancellation = CancellationToken.None;
            var folder = Path.Combine(BlackBoxPaths.Repository, "artifacts", "guest", "programs");
            await ExternalProcess.RunCheckedAsync("make", ["-C", Sources, "OUTPUT=" + folder], cancellation);
            var source = new ImageSource(guest, NoProgress.Instance);
            using var shell = await source.OpenAsync("shell", null, wantProtected: false, cancellation);
            foreach (var name in Names)
            {
                shell.Content.Root.Add(RootEntry.File(RootPath.Parse("/programs/" + name), ContentSource.FromFile(Path.Combine(folder, name)), 0x1ED));
            }

            var build = new ProductBuild(guest.Kernel, NoProgress.Instance);
            // The archive of a clear image does not carry the recipe's rules.
            var content = shell.Content with
            {
                Configuration = shell.Content.Configuration with { Protection = new ProtectionRules(FreedomRule.Free, FreedomRule.Free) },
            };
            string[] arguments = ["-c", string.Join(';', Names.Select(name => $"/programs/{name}; echo \"exit {name} $?\""))];
            return await ContainerMachine.StartAsync(
                new MachineOptions { Monitor = await build.MonitorAsync(cancellation), BootTimeout = TimeSpan.FromMinutes(4) },
                [new Container("native", shell.Content, arguments), new Container("protected", source.Protect(content, cancellation), arguments)],
                guest, build, NoProgress.Instance, cancellation);
        }

        private async Task<Run> RunAsync(string container)
        {
            var machine = await (_machine ??= StartAsync());
            var runtime = container == "native" ? "runc" : "blackbox-runtime";
            var result = await machine.ExecuteAsync($"{runtime} run --bundle /containers/{container} {container}", TimeSpan.FromMinutes(15), cancellation: CancellationToken.None);
            var codes = result.Output.Split('\n').Select(line => line.Split(' ')).Where(words => words is ["exit", _, _]).ToDictionary(words => words[1], words => words[2], StringComparer.Ordinal);
            var monitor = string.Join('\n', machine.ConsoleLines.Where(line => line.Contains("blackbox:", StringComparison.Ordinal)).TakeLast(5));
            return new Run(codes, string.Create(CultureInfo.InvariantCulture, $"container ended with {result.ExitCode}\n{monitor}\n{result.Output}"));
        }
    }
}
