namespace BlackBox.Hosting;

/// <summary>Where a long step stands.</summary>
/// <param name="Step">Name of the step as the user reads it, for instance "Debian kernel for the guest".</param>
/// <param name="Fraction">0 to 1, or NaN when it cannot be told.</param>
/// <param name="Detail">What is being done just now.</param>
public readonly record struct StepUpdate(string Step, double Fraction, string Detail);

/// <summary>A progress sink for callers that show nothing.</summary>
public sealed class NoProgress : IProgress<StepUpdate>
{
    public static NoProgress Instance { get; } = new();

    public void Report(StepUpdate value)
    {
    }
}
