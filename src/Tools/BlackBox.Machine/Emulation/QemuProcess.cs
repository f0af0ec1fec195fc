using System.Collections.Concurrent;
using System.Diagnostics;
using BlackBox.Hosting;

namespace BlackBox.Emulation;

/// <summary>
/// Starts QEMU so that it cannot outlive this process, not even when this one is killed with SIGKILL: the child asks
/// the kernel (setpriv --pdeathsig) for a SIGKILL of its own at the death of the *thread* that started it, so one thread
/// that lives as long as the process does all the starting.
/// </summary>
internal static class QemuProcess
{
    private static readonly BlockingCollection<Action> Work = [];

    static QemuProcess()
    {
        var thread = new Thread(() =>
        {
            foreach (var action in Work.GetConsumingEnumerable())
            {
                action();
            }
        })
        {
            IsBackground = true,
            Name = "QEMU starter",
        };
        thread.Start();
    }

    /// <exception cref="BlackBoxException">QEMU is not installed.</exception>
    public static Task<Process> StartAsync(IEnumerable<string> arguments, bool interactive) =>
        StartAsync(QemuCommandLine.Program, "qemu-system-arm", arguments, interactive);

    /// <summary>The same for a program that a machine needs besides.</summary>
    /// <param name="package">Debian package that has it.</param>
    /// <exception cref="BlackBoxException">It is not installed.</exception>
    public static Task<Process> StartAsync(string name, string package, IEnumerable<string> arguments, bool interactive)
    {
        var program = ExternalProcess.Find(name)
            ?? throw new BlackBoxException($"{name} is not installed", $"install it with ./blackbox setup (Debian package {package})");
        var start = ExternalProcess.Find("setpriv") is { } setpriv
            ? new ProcessStartInfo(setpriv, ["--pdeathsig", "KILL", "--", program, .. arguments])
            : new ProcessStartInfo(program, arguments);
        start.RedirectStandardInput = !interactive;
        start.RedirectStandardOutput = !interactive;
        start.RedirectStandardError = !interactive;
        var result = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Work.Add(() =>
        {
            try
            {
                result.SetResult(ExternalProcess.Start(start));
            }
            catch (Exception error)
            {
                result.SetException(error);
            }
        });
        return result.Task;
    }
}
