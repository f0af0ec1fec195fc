using System.Globalization;
using System.Security.Cryptography;
using BlackBox.Attestation;
using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Demo;

/// <summary>What an attack on one machine has brought.</summary>
internal sealed record AttackResult(int ContainerHits, int CanaryHits, MemoryAccount? Memory, EvidenceResult? Evidence);

/// <summary>
/// One half of the demonstration: the program in a container, the same program as an ordinary process beside it, and root with a
/// module of its own that dumps all memory. Only after the dump is complete do the programs reveal their secrets.
/// </summary>
internal sealed class DumpAttack(GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress)
{
    /// <summary>RAM of the machine in MiB.</summary>
    public const int MemoryMiB = 512;

    // Where the emulated machine has its RAM (QEMU, hw/arm/virt.c). Root knows the machine: no need to ask the kernel.
    private const long RamBase = 0x4000_0000;
    private const long RamLength = (long)MemoryMiB << 20;
    private const string ModulePath = "/usr/lib/blackbox/bb_dumper.ko";
    private const string DumpPath = "/usr/lib/blackbox/dump";

    private const int NonceLength = 32;

    private static readonly TimeSpan DumpTime = TimeSpan.FromMinutes(10);

    /// <param name="kind">How the machine is started.</param>
    /// <param name="content">The container's image, protected if there is a monitor.</param>
    /// <exception cref="BlackBoxException">Some step failed.</exception>
    public async Task<AttackResult> RunAsync(DemoMachine kind, ImageContent content, CancellationToken cancellation)
    {
        var step = kind.IsProtected ? "Protected run" : "Native run";
        void Say(double fraction, string detail) => progress.Report(new StepUpdate(step, fraction, detail));

        using var folder = new TemporaryFolder();
        var disk = folder.File("dump");
        await using (var file = File.Create(disk))
        {
            file.SetLength(MemoryDump.DiskLength(RamLength));
        }

        byte[] secret, canary;
        GuestStatistics? before = null;
        EvidenceResult? evidence = null;
        Say(0, "starting the machine");
        var container = new Container("secret", content);
        var options = new MachineOptions { MemoryMiB = MemoryMiB, Disks = [new MachineDisk(disk, ReadOnly: false)], Files = [await FilesAsync(cancellation).ConfigureAwait(false)] };
        var machine = await ContainerMachine.StartAsync(kind.With(options), [container], guest, build, progress, cancellation).ConfigureAwait(false);
        await using (machine.ConfigureAwait(false))
        {
            Say(0.3, "the program makes its secret");
            var inside = await SecretProgram.StartAsync(machine, "container", container.RunCommand, cancellation).ConfigureAwait(false);
            var beside = await SecretProgram.StartAsync(machine, "canary", SecretProgram.Path, cancellation).ConfigureAwait(false);
            await ContainerMachine.LoadModuleAsync(machine, ModulePath, cancellation).ConfigureAwait(false);
            if (kind.Platform is { } platform)
            {
                Say(0.35, "the program proves where it runs");
                evidence = await AttestAsync(inside, platform, content, machine, cancellation).ConfigureAwait(false);
            }

            if (kind.IsProtected)
            {
                before = await GuestStatistics.ReadAsync(machine, cancellation).ConfigureAwait(false);
            }

            Say(0.4, "root dumps all memory");
            var dump = string.Create(CultureInfo.InvariantCulture, $"{DumpPath} /dev/bb_dumper {RamBase:x} {RamLength:x} /dev/vda");
            var dumped = await machine.ExecuteAsync(dump, DumpTime, cancellation: cancellation).ConfigureAwait(false);
            if (!dumped.Succeeded)
            {
                throw new BlackBoxException($"memory could not be dumped: {dumped.Output.Trim()}");
            }

            if (before is not null && await GuestStatistics.ReadAsync(machine, cancellation).ConfigureAwait(false) != before)
            {
                throw new BlackBoxException("memory changed hands while it was dumped, so the account would mean nothing");
            }

            Say(0.8, "the programs reveal their secrets");
            secret = await inside.RevealAsync(cancellation).ConfigureAwait(false);
            canary = await beside.RevealAsync(cancellation).ConfigureAwait(false);
            await machine.ShutDownAsync().ConfigureAwait(false);
        }

        Say(0.9, "searching the dump");
        var memory = MemoryDump.Open(disk, RamLength);
        var hits = memory.Search([secret, canary], cancellation);
        Say(1, "done");
        return new AttackResult(hits[0], hits[1], before is null ? null : new MemoryAccount(
            before.Total * MemoryDump.PageLength,
            memory.DumpedPages * MemoryDump.PageLength,
            memory.RefusedPages * MemoryDump.PageLength,
            (before.Private + before.Tables) * MemoryDump.PageLength,
            before.Monitor * MemoryDump.PageLength,
            RamLength), evidence);
    }

    // What a verifier far away does: a nonce of its own there, evidence back.
    private static async Task<EvidenceResult> AttestAsync(SecretProgram program, MeasuredPlatform platform, ImageContent content, EmulatedMachine machine, CancellationToken cancellation)
    {
        var reportData = new byte[Evidence.NonceLength];
        var nonce = RandomNumberGenerator.GetBytes(NonceLength);
        nonce.CopyTo(reportData, 0);
        var quote = await program.AttestAsync(reportData, cancellation).ConfigureAwait(false);
        var verdict = await platform.VerifyAsync(quote, nonce, content, machine, cancellation).ConfigureAwait(false);
        return verdict is { IsGood: true, Evidence: { } said }
            ? new EvidenceResult(said.Facts.HasFlag(PlatformFacts.SecureBoot), EvidenceResult.Verified, said.Facts.HasFlag(PlatformFacts.DmaProtection))
            : new EvidenceResult(false, $"refused: {string.Join("; ", verdict.Reasons.Select(reason => reason.Message))}", false);
    }

    private async Task<RootFilesystem> FilesAsync(CancellationToken cancellation)
    {
        var (module, program) = await build.DumperAsync(cancellation).ConfigureAwait(false);
        var files = new RootFilesystem();
        files.Add(RootEntry.File(RootPath.Parse(ModulePath), ContentSource.FromFile(module)));
        files.Add(RootEntry.File(RootPath.Parse(DumpPath), ContentSource.FromFile(program), 0x1ED));
        files.Add(RootEntry.File(RootPath.Parse(SecretProgram.Path), ContentSource.FromFile(await build.SecretAsync(cancellation).ConfigureAwait(false)), 0x1ED));
        return files;
    }

    private sealed class TemporaryFolder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("blackbox-demo-");

        public string File(string name) => Path.Combine(_folder.FullName, name);

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
