using BlackBox.Emulation;
using BlackBox.Hosting;
using Xunit;

// Each machine wants a CPU of the host for itself; two at a time would only make both slow.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace BlackBox.Machine.Tests;

/// <summary>Machines for the tests.</summary>
internal static class Guests
{
    private static readonly Lazy<Task<GuestEnvironment>> Environment = new(() => GuestEnvironment.OpenAsync(NoProgress.Instance, CancellationToken.None));

    public static Task<GuestEnvironment> EnvironmentAsync() => Environment.Value;

    /// <summary>Starts a machine; the caller disposes it.</summary>
    public static async Task<EmulatedMachine> StartAsync(MachineOptions options) =>
        await EmulatedMachine.StartAsync(options with { BootTimeout = TimeSpan.FromMinutes(4) }, await EnvironmentAsync(), TestContext.Current.CancellationToken);

    /// <summary>Runs a command and expects it to succeed.</summary>
    public static async Task<string> RunAsync(this EmulatedMachine machine, string script, TimeSpan? timeout = null)
    {
        var result = await machine.ExecuteAsync(script, timeout ?? TimeSpan.FromMinutes(3), cancellation: TestContext.Current.CancellationToken);
        Assert.True(result.Succeeded, $"'{script}' ended with {result.ExitCode}: {result.Output}");
        return result.Output;
    }
}
