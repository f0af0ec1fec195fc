using System.Diagnostics;
using BlackBox.Hosting;

namespace BlackBox.Emulation;

/// <summary>
/// The TPM 2.0 of an emulated machine: swtpm, in a process of its own that ends with the machine. Its state is a folder, in use by one machine at a time;
/// what the machine writes to it is there at once, so that it may be killed at any time.
/// </summary>
internal sealed class EmulatedTpm : IAsyncDisposable
{
    private const string Program = "swtpm";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly FileStream _inUse;
    private readonly Process _process;

    private EmulatedTpm(FileStream inUse, Process process) => (_inUse, _process) = (inUse, process);

    /// <summary>Starts it, with a new state if the folder holds none: one bank of PCRs (SHA-256), no owner.</summary>
    /// <exception cref="BlackBoxException">It is not installed, another machine uses the folder, or it does not start.</exception>
    public static async Task<EmulatedTpm> StartAsync(TpmFiles files, CancellationToken cancellation)
    {
        Directory.CreateDirectory(files.State, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var inUse = Occupy(files.State);
        Process? process = null;
        try
        {
            if (!File.Exists(Path.Combine(files.State, "tpm2-00.permall")))
            {
                await ExternalProcess.RunCheckedAsync("swtpm_setup", ["--tpm2", "--tpmstate", files.State, "--pcr-banks", "sha256"], cancellation).ConfigureAwait(false);
            }

            process = await QemuProcess.StartAsync(
                Program, "swtpm", ["socket", "--tpm2", "--tpmstate", $"dir={files.State},mode=0600", "--ctrl", $"type=unixio,path={files.Socket}", "--terminate"], interactive: false).ConfigureAwait(false);
            var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
            _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            for (var start = Stopwatch.StartNew(); !File.Exists(files.Socket); await Task.Delay(20, cancellation).ConfigureAwait(false))
            {
                if (process.HasExited || start.Elapsed > Patience)
                {
                    ExternalProcess.KillTree(process);
                    throw new BlackBoxException($"the TPM did not start: {(await error.ConfigureAwait(false)).Trim()}");
                }
            }

            return new EmulatedTpm(inUse, process);
        }
        catch
        {
            if (process is not null)
            {
                ExternalProcess.KillTree(process);
                process.Dispose();
            }

            await inUse.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        ExternalProcess.KillTree(_process);
        await _process.WaitForExitAsync().ConfigureAwait(false);
        _process.Dispose();
        await _inUse.DisposeAsync().ConfigureAwait(false);
    }

    private static FileStream Occupy(string folder)
    {
        try
        {
            return new FileStream(Path.Combine(folder, "in-use"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException error) when (error is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException))
        {
            throw new BlackBoxException($"another machine is using the TPM in {folder}", "wait until it has ended, or choose --fresh-tpm", error);
        }
    }
}
