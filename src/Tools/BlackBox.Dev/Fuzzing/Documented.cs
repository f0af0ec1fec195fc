using BlackBox.Abi;
using static BlackBox.Abi.Status;

namespace BlackBox.Dev.Fuzzing;

/// <summary>The statuses that docs/hypercalls.md names for each call.</summary>
internal static class Documented
{
    private static readonly Dictionary<StepKind, ulong> Masks = new()
    {
        [StepKind.Version] = Set(),
        [StepKind.CreateEnclave] = Set(Invalid, Denied, NoResource, NotSeeded, NeedTables, Busy),
        [StepKind.DestroyEnclave] = Set(Invalid, Busy, Again),
        [StepKind.DonateTables] = Set(Invalid, Denied, Stopped, Busy),
        [StepKind.GrantMemory] = Set(Invalid, Denied, NeedTables, Stopped, Busy),
        [StepKind.ReclaimMemory] = Set(Invalid, Denied, Again, Busy),
        [StepKind.SharePages] = Set(Invalid, Denied, NeedTables, Stopped, Busy),
        [StepKind.UnsharePages] = Set(Invalid, Denied, Busy),
        [StepKind.TaskCreate] = Set(Invalid, Denied, NoResource, Stopped, Busy),
        [StepKind.TaskClone] = Set(Invalid, Denied, Stopped, Busy),
        [StepKind.TaskExec] = Set(Invalid, Denied, Stopped, Busy),
        [StepKind.TaskExit] = Set(Invalid, Again, Busy, Stopped),
        [StepKind.TaskDestroy] = Set(Invalid, Busy, Denied),
        [StepKind.Statistics] = Set(Invalid, Denied, Busy),
        [StepKind.OtherOsCall] = Bit(NotSupported),
        [StepKind.TicketIssue] = Set(Busy),
        [StepKind.TicketCancel] = Set(Denied),
        [StepKind.AcceptMemory] = Set(Invalid, Denied, Busy),
        [StepKind.ReleaseMemory] = Set(Invalid, Denied, Busy),
        [StepKind.UnwrapKey] = Set(Invalid, Denied, Busy),
        [StepKind.Attest] = Set(Invalid, Denied, Busy),
        [StepKind.Log] = Set(Invalid, Denied),
        [StepKind.OtherShieldCall] = Bit(NotSupported),
    };

    private static readonly ulong[] ByKind = [.. Enum.GetValues<StepKind>().Select(kind => Masks.GetValueOrDefault(kind, ulong.MaxValue))];

    /// <summary>May the call answer this?</summary>
    public static bool Allows(StepKind kind, Status status) => unchecked(-(long)status) is >= 0 and < 64 && (ByKind[(int)kind] & Bit(status)) != 0;

    private static ulong Set(params ReadOnlySpan<Status> errors)
    {
        ulong mask = Bit(Success);
        foreach (Status error in errors)
        {
            mask |= Bit(error);
        }

        return mask;
    }

    private static ulong Bit(Status status) => 1UL << (int)-(long)status;
}
