using System.Text.Json;
using BlackBox.Emulation;
using BlackBox.Hosting;

namespace BlackBox.Demo;

/// <summary>What the monitor counts, in frames of 4096 bytes (<c>blackbox-runtime statistics</c> in the guest).</summary>
public sealed record GuestStatistics(long Total, long Monitor, long Private, long Tables, long Enclaves)
{
    /// <exception cref="BlackBoxException">There is no module, or its answer makes no sense.</exception>
    public static async Task<GuestStatistics> ReadAsync(EmulatedMachine machine, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var result = await machine.ExecuteAsync("blackbox-runtime statistics", cancellation: cancellation).ConfigureAwait(false);
        if (!result.Succeeded)
        {
            throw new BlackBoxException($"the guest gives no statistics: {result.Output.Trim()}");
        }

        try
        {
            using var json = JsonDocument.Parse(result.Bytes);
            var frames = json.RootElement.GetProperty("machine");
            long Number(string name) => frames.GetProperty(name).GetInt64();
            return new GuestStatistics(Number("framesTotal"), Number("framesMonitor"), Number("framesPrivate"), Number("framesTables"), Number("enclaves"));
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new BlackBoxException($"the guest's statistics cannot be read: {error.Message}", null, error);
        }
    }
}
