using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Emulation;

/// <summary>
/// A running emulated Arm server with Debian's stock kernel, started directly or by the BlackBox monitor. Commands are
/// run in it one at a time by <see cref="ExecuteAsync"/>. Disposing it stops it, whatever it is doing.
/// </summary>
/// <remarks>
/// The machine *fails* when its kernel or the monitor panics, when it ends by itself while a command runs, or when it
/// does not answer in time: every call then throws a <see cref="BlackBoxException"/> that holds the console's last lines.
/// </remarks>
public sealed class EmulatedMachine : IAsyncDisposable
{
    /// <summary>Longest script for one command in bytes; the terminal line between host and guest buffers no more. Put more into files.</summary>
    public const int LongestCommand = 16 * 1024;

    private const int OutputLimit = 64 << 20;
    private const string FixedNonce = "blackbox-repeatable-0000000000000000";
    private static readonly TimeSpan PanicGrace = TimeSpan.FromSeconds(1);

    private readonly MachineOptions _options;
    private readonly RunFolder _folder = new();
    private readonly SemaphoreSlim _oneCommand = new(1);
    private readonly TaskCompletionSource<BlackBoxException> _failure = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConsoleWatcher _console;
    private readonly AgentSession _agent;
    private readonly string _nonce;
    private readonly List<Task> _pumps = [];
    private Process? _process;
    private EmulatedTpm? _tpm;
    private Task _exited = Task.CompletedTask;
    private Stream? _commands;
    private QmpClient? _control;
    private int _nextId;
    private volatile string? _panic;
    private volatile bool _stopping;

    private EmulatedMachine(MachineOptions options)
    {
        _options = options;
        _nonce = options.Repeatable ? FixedNonce : Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        _console = new ConsoleWatcher(options.ConsoleLog, options.OnConsoleLine, OnPanic);
        _agent = new AgentSession(OutputLimit, options.ChannelOnConsole ? _console : null);
    }

    /// <summary>QEMU's control connection.</summary>
    public QmpClient Control => _control ?? throw new InvalidOperationException("the machine has not been started");

    /// <summary>The last lines of the guest's console, oldest first.</summary>
    public IReadOnlyList<string> ConsoleLines => _console.LastLines;

    /// <summary>Process id of the emulator.</summary>
    public int ProcessId { get; private set; }

    /// <summary>Completes with the reason when the machine has failed.</summary>
    public Task<BlackBoxException> Failure => _failure.Task;

    /// <summary>Starts a machine and waits until commands can be run in it.</summary>
    /// <exception cref="BlackBoxException">It did not come up; the message says why.</exception>
    public static async Task<EmulatedMachine> StartAsync(
        MachineOptions options, GuestEnvironment guest, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Repeatable)
        {
            throw new BlackBoxException("commands of a repeatable run must be given in advance");
        }

        return await StartAsync(options, guest, batch: null, cancellation).ConfigureAwait(false);
    }

    /// <summary>Runs a shell script in the guest's root file system, as root, with /root as its folder and no input.</summary>
    /// <param name="script">At most <see cref="LongestCommand"/> bytes.</param>
    /// <param name="timeout">Default: 60 s. A command that takes longer makes the machine fail.</param>
    /// <param name="onOutput">Gets the output as it comes.</param>
    public async Task<CommandResult> ExecuteAsync(
        string script, TimeSpan? timeout = null, Action<ReadOnlyMemory<byte>>? onOutput = null, CancellationToken cancellation = default)
    {
        var bytes = Encoding.UTF8.GetBytes(script);
        if (bytes.Length > LongestCommand)
        {
            throw new BlackBoxException($"the command is longer than {LongestCommand} bytes");
        }

        await _oneCommand.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await ThrowIfFailedAsync().ConfigureAwait(false);
            var id = _nextId++;
            var result = _agent.Expect(id, onOutput);
            await _commands!.WriteAsync(Encoding.ASCII.GetBytes(CommandLine(id, bytes)), cancellation).ConfigureAwait(false);
            await WaitAsync(result, timeout ?? TimeSpan.FromSeconds(60), "the command did not end in time", cancellation).ConfigureAwait(false);
            return await result.ConfigureAwait(false);
        }
        catch (IOException error)
        {
            throw new BlackBoxException("the connection to the guest broke", null, error);
        }
        finally
        {
            _oneCommand.Release();
        }
    }

    /// <summary>Ends the guest in order and waits for it; kills it after <paramref name="patience"/> (default 10 s).</summary>
    public async Task ShutDownAsync(TimeSpan? patience = null)
    {
        _stopping = true;
        try
        {
            if (_commands is not null && !_options.Repeatable)
            {
                await _commands.WriteAsync("quit\n"u8.ToArray()).ConfigureAwait(false);
            }

            await _exited.WaitAsync(patience ?? TimeSpan.FromSeconds(10)).ConfigureAwait(false);
        }
        catch (Exception error) when (error is TimeoutException or IOException)
        {
            // DisposeAsync kills it.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        if (_process is not null)
        {
            ExternalProcess.KillTree(_process);
            await _exited.ConfigureAwait(false);
            _control?.Dispose();
            await Task.WhenAll(_pumps).ConfigureAwait(false);
            if (_commands is not null)
            {
                await _commands.DisposeAsync().ConfigureAwait(false);
            }

            _process.Dispose();
        }

        if (_tpm is not null)
        {
            await _tpm.DisposeAsync().ConfigureAwait(false);
        }

        _console.Dispose();
        _folder.Dispose();
    }

    internal static async Task<EmulatedMachine> StartAsync(
        MachineOptions options, GuestEnvironment guest, IReadOnlyList<string>? batch, CancellationToken cancellation)
    {
        var machine = new EmulatedMachine(options);
        try
        {
            await machine.BootAsync(guest, batch, cancellation).ConfigureAwait(false);
            return machine;
        }
        catch
        {
            await machine.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The files that firmware starts from; null when QEMU loads everything.</summary>
    internal static async Task<FirmwareFiles?> PrepareFirmwareAsync(
        MachineOptions options, GuestEnvironment guest, MachineWiring wiring, RunFolder folder, CancellationToken cancellation) =>
        options.Firmware is not { } firmware || options.Monitor is not { } monitor ? null : await firmware.PrepareAsync(
            new FirmwareRequest(monitor, guest.Kernel.Image, wiring.Initrd, QemuCommandLine.KernelCommandLine(options, wiring)), folder.Location, cancellation).ConfigureAwait(false);

    /// <summary>Waits for the results of a batch, in order.</summary>
    internal async Task<IReadOnlyList<CommandResult>> CollectAsync(IReadOnlyList<Task<CommandResult>> expected, TimeSpan timeout, CancellationToken cancellation)
    {
        await WaitAsync(Task.WhenAll(expected), timeout, "the commands did not end in time", cancellation).ConfigureAwait(false);
        await ShutDownAsync().ConfigureAwait(false);
        return await Task.WhenAll(expected).ConfigureAwait(false);
    }

    /// <summary>Announces the commands of a batch, which have the numbers 0, 1, 2 ...</summary>
    internal IReadOnlyList<Task<CommandResult>> BatchResults { get; private set; } = [];

    private static string CommandLine(int id, byte[] script) =>
        string.Create(CultureInfo.InvariantCulture, $"{id} {Convert.ToBase64String(script)}\n");

    private async Task BootAsync(GuestEnvironment guest, IReadOnlyList<string>? batch, CancellationToken cancellation)
    {
        HostPorts.EnsureFree(_options);
        foreach (var image in _options.Disks.Select(disk => disk.Path).Append(_options.Monitor).OfType<string>().Where(image => !File.Exists(image)))
        {
            throw new BlackBoxException($"{image} does not exist");
        }

        BatchResults = batch is null ? [] : [.. batch.Select((_, id) => _agent.Expect(id, null))];
        await guest.WriteInitrdAsync(_options, RunFiles(batch), _folder.File("initrd"), cancellation).ConfigureAwait(false);

        var channel = _options.ChannelOnConsole ? "ttyAMA0" : "ttyS0";
        var wiring = new MachineWiring(_folder.File("initrd"), channel, _folder.File("console"),
            _options.ChannelOnConsole ? null : _folder.File("channel"), _folder.File("control"), OutputToFiles: _options.Repeatable,
            _options.AnswersQuestions ? _folder.File(RunningMachine.Socket) : null);
        var firmware = await PrepareFirmwareAsync(_options, guest, wiring, _folder, cancellation).ConfigureAwait(false);
        _tpm = firmware?.Tpm is { } files ? await EmulatedTpm.StartAsync(files, cancellation).ConfigureAwait(false) : null;
        var listeners = wiring.OutputToFiles
            ? [Listen(wiring.MonitorSocket!)]
            : new[] { wiring.MonitorSocket, wiring.ConsoleSocket, wiring.ChannelSocket }.OfType<string>().Select(Listen).ToList();
        try
        {
            _process = await QemuProcess.StartAsync(QemuCommandLine.Build(_options, guest.Kernel, wiring, firmware), interactive: false).ConfigureAwait(false);
            ProcessId = _process.Id;
            _process.StandardInput.Close();
            _exited = WatchExitAsync(_process);
            _ = _process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            var sockets = new List<Socket>();
            foreach (var listener in listeners)
            {
                var connection = listener.AcceptAsync(cancellation).AsTask();
                await WaitAsync(connection, TimeSpan.FromSeconds(30), "QEMU did not start", cancellation).ConfigureAwait(false);
                sockets.Add(await connection.ConfigureAwait(false));
            }

            _control = new QmpClient(sockets[0]);
            Connect(wiring, sockets);
        }
        finally
        {
            listeners.ForEach(listener => listener.Dispose());
        }

        await WaitAsync(_agent.Ready, _options.BootTimeout, "the guest did not come up", cancellation).ConfigureAwait(false);
    }

    private void Connect(MachineWiring wiring, List<Socket> sockets)
    {
        var protocol = new AgentProtocol(_nonce, _agent);
        Stream Open(string path, int socket) => wiring.OutputToFiles
            ? new TailStream(path, _exited)
            : new NetworkStream(sockets[socket], ownsSocket: true);
        var console = Open(wiring.ConsoleSocket!, 1);
        if (wiring.ChannelSocket is null)
        {
            _commands = console;
            _pumps.Add(PumpAgentAsync(console, protocol));
            return;
        }

        _commands = Open(wiring.ChannelSocket, 2);
        _pumps.Add(_console.PumpAsync(console));
        _pumps.Add(PumpAgentAsync(_commands, protocol));
    }

    private RootFilesystem RunFiles(IReadOnlyList<string>? batch)
    {
        var files = new RootFilesystem();
        files.Add(RootEntry.File(RootPath.Parse("/blackbox/nonce"), ContentSource.FromText(_nonce + "\n"), 0x180));
        if (batch is not null)
        {
            var lines = batch.Select((script, id) => CommandLine(id, Encoding.UTF8.GetBytes(script)));
            files.Add(RootEntry.File(RootPath.Parse("/blackbox/batch"), ContentSource.FromText(string.Concat(lines)), 0x180));
        }

        return files;
    }

    private static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen(1);
        return socket;
    }

    private static async Task PumpAgentAsync(Stream source, AgentProtocol protocol)
    {
        var buffer = new byte[65536];
        try
        {
            while (await source.ReadAsync(buffer).ConfigureAwait(false) is > 0 and var count)
            {
                protocol.Feed(buffer.AsSpan(0, count));
            }
        }
        catch (IOException)
        {
            // The machine was killed.
        }

        protocol.Finish();
    }

    private async Task WatchExitAsync(Process process)
    {
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().ConfigureAwait(false);
        var text = (await error.ConfigureAwait(false)).Trim();
        if (process.ExitCode != 0)
        {
            Fail($"QEMU ended with exit code {process.ExitCode}{(text.Length > 0 ? ": " + text : "")}");
        }
        else if (!_stopping)
        {
            // Give the last output time to be read: a guest may power off right after its last command.
            await Task.WhenAny(Task.WhenAll(_pumps), Task.Delay(PanicGrace)).ConfigureAwait(false);
            Fail("the guest switched itself off");
        }
    }

    private void OnPanic(string line)
    {
        // The first one counts; what follows explains it, so the machine gets a moment to say it.
        if (_panic is not null)
        {
            return;
        }

        _panic = line.Trim();
        _ = Task.Run(async () =>
        {
            await Task.Delay(PanicGrace).ConfigureAwait(false);
            Fail(_panic);
        });
    }

    private void Fail(string reason)
    {
        if (_stopping && _panic is null)
        {
            return;
        }

        reason = _panic ?? reason;
        var lines = _console.LastLines;
        var text = lines.Count == 0 ? reason : $"{reason}\nlast lines of the console:\n  {string.Join("\n  ", lines.TakeLast(15))}";
        _failure.TrySetResult(new BlackBoxException(text));
        if (_process is not null)
        {
            ExternalProcess.KillTree(_process);
        }
    }

    private async Task WaitAsync(Task what, TimeSpan timeout, string complaint, CancellationToken cancellation)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var first = await Task.WhenAny(what, _failure.Task, Task.Delay(timeout, end.Token)).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        if (what.IsCompleted)
        {
            return;
        }

        if (first != _failure.Task)
        {
            Fail($"{complaint} ({timeout.TotalSeconds:0} s)");
        }

        await ThrowIfFailedAsync().ConfigureAwait(false);
    }

    private async Task ThrowIfFailedAsync()
    {
        if (_failure.Task.IsCompleted)
        {
            throw await _failure.Task.ConfigureAwait(false);
        }
    }
}
