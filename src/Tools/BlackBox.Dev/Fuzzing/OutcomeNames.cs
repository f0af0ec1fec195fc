using BlackBox.Abi;
using BlackBox.Monitor;

namespace BlackBox.Dev.Fuzzing;

/// <summary>Names of what <see cref="FuzzWorld.Perform"/> returns.</summary>
internal static class OutcomeNames
{
    private const int Ran = 60;

    public static string Of(int outcome)
    {
        var kind = (StepKind)(outcome & 0xff);
        int detail = (outcome >> 8) & 0x3f; // choices within the kind stand above
        string text = kind switch
        {
            StepKind.Gate => ((GateEntry)(detail & 7)).ToString(),
            StepKind.Interrupt => ((DepartureKind)detail).ToString(),
            StepKind.OsWrite or StepKind.ShieldWrite => "",
            StepKind.OsCall or StepKind.OsFault or StepKind.EventGet or StepKind.TaskEnded or StepKind.Random or StepKind.Stop or StepKind.YieldTo or StepKind.YieldBack =>
                ((ShieldAction)detail).ToString(),
            _ => detail == Ran ? "runs" : ((Status)(-(long)detail)).ToString(),
        };
        return outcome == 0 ? "not possible" : $"{kind} {text}".TrimEnd();
    }
}
