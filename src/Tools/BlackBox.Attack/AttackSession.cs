using System.Globalization;
using BlackBox.Emulation;
using BlackBox.Hosting;

namespace BlackBox.Attacks;

/// <summary>One machine under attack: what the attacks do on it, and the victims that live in it.</summary>
internal sealed class AttackSession : IAsyncDisposable
{
    /// <summary>Where RAM starts on the emulated machine, and its size.</summary>
    public const ulong RamStart = 0x4000_0000;

    public const int MemoryMiB = 512;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly EmulatedMachine _machine;
    private readonly Dictionary<string, Victim> _victims = [];
    private readonly CancellationToken _cancellation;

    private AttackSession(EmulatedMachine machine, bool isProtected, CancellationToken cancellation)
    {
        _machine = machine;
        IsProtected = isProtected;
        _cancellation = cancellation;
    }

    /// <summary>Does the monitor run below the kernel?</summary>
    public bool IsProtected { get; }

    /// <summary>First address of RAM that the OS has; the monitor's stands before it.</summary>
    public ulong OsStart { get; private set; }

    public static ulong RamEnd => RamStart + ((ulong)MemoryMiB << 20);

    /// <summary>The build of the monitor that runs here; null is the product.</summary>
    public string? Build { get; set; }

    /// <summary>Images of which it is known that they start unchanged.</summary>
    public HashSet<string> StartingImages { get; } = new(StringComparer.Ordinal);

    /// <summary>Number of the round, from 1: seed of what is random.</summary>
    public int Round { get; set; } = 1;

    /// <summary>The last lines of the machine's console.</summary>
    public IReadOnlyList<string> ConsoleLines => _machine.ConsoleLines;

    /// <summary>QEMU's control connection.</summary>
    public QmpClient Control => _machine.Control;

    /// <summary>Starts another machine, for one attack or its control: a build (see <see cref="AttackBuilds"/>), and a change of its options.
    /// The caller disposes it.</summary>
    public Func<string?, Func<MachineOptions, MachineOptions>?, Task<AttackSession>> StartOther { get; set; } = (_, _) => throw new InvalidOperationException("no other machine here");

    /// <summary>Starts a machine without the monitor, for a control that needs one. The caller disposes it.</summary>
    public Task<AttackSession> StartNative() => StartOther(AttackBuilds.Native, null);

    /// <summary>Boots a machine, loads the modules.</summary>
    /// <param name="monitor">null: the kernel alone, for controls</param>
    /// <param name="change">of the machine's options</param>
    public static async Task<AttackSession> StartAsync(
        GuestPieces pieces, string? monitor, CancellationToken cancellation, Func<MachineOptions, MachineOptions>? change = null)
    {
        var options = new MachineOptions
        {
            Monitor = monitor,
            MemoryMiB = MemoryMiB,
            Files = [pieces.Files],
            BootTimeout = TimeSpan.FromMinutes(4),
            QemuArguments = DmaDevice.Arguments,
            ConsoleLog = Environment.GetEnvironmentVariable("BLACKBOX_ATTACK_CONSOLE"),

            // The kernel must not clean up behind the attacker.
            KernelArguments = ["init_on_alloc=0"],
        };
        options = change?.Invoke(options) ?? options;
        var session = new AttackSession(await EmulatedMachine.StartAsync(options, pieces.Guest, cancellation), monitor is not null, cancellation);
        try
        {
            await session.ShellAsync($"dmesg -n 1; {(monitor is null ? "" : "insmod /attacks/blackbox.ko && ")}insmod /attacks/hostile.ko");
            var memory = await session.ShellAsync("grep 'System RAM' /proc/iomem | head -1");
            session.OsStart = ulong.Parse(memory.Trim().Split('-')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a shell script; any exit code.</summary>
    public async Task<string> TryShellAsync(string script, TimeSpan? patience = null) =>
        (await _machine.ExecuteAsync(script, patience ?? Patience, cancellation: _cancellation)).Output;

    /// <summary>Runs a shell script that has to succeed.</summary>
    public async Task<string> ShellAsync(string script)
    {
        var result = await _machine.ExecuteAsync(script, Patience, cancellation: _cancellation);
        return result.Succeeded ? result.Output : throw new BlackBoxException($"'{script}' ended with {result.ExitCode}: {result.Output.Trim()}");
    }

    /// <summary>A function of victims.sh.</summary>
    public Task<string> VictimAsync(string script) => TryShellAsync(". /attacks/victims.sh; " + script);

    /// <summary>A command of the program <c>hostile</c>.</summary>
    public async Task<HostileAnswer> HostileAsync(string words) => new(await TryShellAsync("/attacks/hostile " + words));

    /// <summary>Several commands of the program, in one go.</summary>
    public async Task<IReadOnlyList<HostileAnswer>> HostileAllAsync(IReadOnlyList<string> commands)
    {
        var answers = new List<HostileAnswer>();
        foreach (var part in commands.Chunk(100))
        {
            var output = await TryShellAsync($"/attacks/hostile batch <<'END'\n{string.Join('\n', part)}\nEND\n");
            var pieces = output.Split("--\n");
            if (pieces.Length != part.Length + 1)
            {
                throw new InvalidDataException($"{part.Length} commands, {pieces.Length - 1} answers: {output.ReplaceLineEndings(" | ")}");
            }

            answers.AddRange(pieces[..^1].Select(piece => new HostileAnswer(piece)));
        }

        return answers;
    }

    /// <summary>A hypercall of the OS; status in <see cref="HostileAnswer.Status"/>.</summary>
    public Task<HostileAnswer> CallAsync(Abi.OsFunction function, params ulong[] arguments) => HostileAsync(CallWords(function, arguments));

    /// <summary>The same as words for <see cref="HostileAsync"/>.</summary>
    public static string CallWords(Abi.OsFunction function, params ulong[] arguments) =>
        $"hvc 0x{(ulong)function:x}{string.Concat(arguments.Select(argument => $" 0x{argument:x}"))}";

    /// <summary>A victim that is there and whole: the running one of that name, or a new one.</summary>
    public async Task<Victim> ProtectedAsync(string name = "guard") => await GetAsync(name, "/attacks/images/guard", 1);

    /// <summary>The same program as an ordinary process: the control.</summary>
    public async Task<Victim> PlainAsync() => await GetAsync("plain", "/attacks/plain", 2);

    /// <summary>Starts the victim of an image with any words; the caller looks whether it started.</summary>
    /// <param name="prelude">shell words before, for instance variables that victims.sh reads</param>
    public async Task<Victim> StartAsync(string name, string root, int salt, string words, string prelude = "")
    {
        var victim = new Victim(this, name, salt, (await VictimAsync($"{prelude} victim_start {name} {root} {words}")).Trim());
        await victim.ReadProcessAsync();
        return victim;
    }

    /// <summary>Ends a victim that an attack has spoiled.</summary>
    public async Task<bool> ForgetAsync(Victim victim)
    {
        foreach (var name in _victims.Where(pair => pair.Value == victim).Select(pair => pair.Key).ToList())
        {
            _victims.Remove(name);
        }

        return await victim.EndAsync();
    }

    /// <summary>Does the machine still answer, and is every victim that should live whole?</summary>
    public async Task<string?> ExamineAsync()
    {
        if ((await TryShellAsync("echo $((6 * 7))", TimeSpan.FromSeconds(60))).Trim() != "42")
        {
            return "the machine does not answer";
        }

        await TryShellAsync("/attacks/hostile disturb-stop; /attacks/hostile lie-stop; /attacks/hostile storm-stop; echo 1 > /sys/devices/system/cpu/cpu1/online 2>/dev/null");
        foreach (var (name, victim) in _victims.ToList())
        {
            if (!await victim.IsIntactAsync())
            {
                _victims.Remove(name);
                await victim.EndAsync();
            }
        }

        return null;
    }

    public ValueTask DisposeAsync() => _machine.DisposeAsync();

    private async Task<Victim> GetAsync(string name, string root, int salt)
    {
        if (_victims.TryGetValue(name, out var victim) && await victim.IsIntactAsync())
        {
            return victim;
        }

        if (victim is not null)
        {
            await victim.EndAsync();
        }

        victim = await StartAsync(name, root, salt, $"guard {salt}");
        if (!victim.IsReady)
        {
            throw new BlackBoxException($"the victim '{name}' did not start: {victim.Greeting}");
        }

        return _victims[name] = victim;
    }
}
