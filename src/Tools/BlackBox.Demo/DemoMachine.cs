using BlackBox.Emulation;

namespace BlackBox.Demo;

/// <summary>How a machine of the demonstration is started.</summary>
/// <param name="Monitor">A flat image that is started directly, which proves nothing to anybody; null: none.</param>
/// <param name="Platform">Through firmware, Secure Boot and TPM; null: not.</param>
internal sealed record DemoMachine(string? Monitor, MeasuredPlatform? Platform)
{
    public static DemoMachine Native { get; } = new(null, null);

    public bool IsProtected => Monitor is not null || Platform is not null;

    public MachineOptions With(MachineOptions options) => Platform?.With(options) ?? options with { Monitor = Monitor };
}
