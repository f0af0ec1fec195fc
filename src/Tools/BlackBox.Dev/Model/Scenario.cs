using BlackBox.Dev.Fuzzing;

namespace BlackBox.Dev.Model;

/// <summary>A small world for the search: what stands at the start, and every event that may happen in it.</summary>
/// <param name="Name">for people</param>
/// <param name="Start">steps to the first state</param>
/// <param name="Events">what may happen in each state; those for a CPU in the other world are passed over</param>
/// <param name="Cpus">CPUs; where there are three, the third stays in the OS and the first two in the containers</param>
/// <param name="Depth">events after the start at most; <see cref="int.MaxValue"/>: to the fixed point</param>
internal sealed record Scenario(string Name, int Cpus, IReadOnlyList<Step> Start, IReadOnlyList<Step> Events, int Depth)
{
    private const int TwoCpus = 2;
    private const int OsCpu = 2;
    public const int Frames = 4;

    /// <summary>The frames of the model lie on both sides of a 2 MiB boundary, in blocks that are whole at the start.</summary>
    public const uint FirstFrame = Names.BlockThree - 2;

    private const int NoTask = 2 * Names.Tasks;

    private static readonly StepKind[] RangeCalls = [StepKind.GrantMemory, StepKind.ReclaimMemory, StepKind.SharePages, StepKind.UnsharePages, StepKind.DonateTables];

    /// <summary>Memory alone, to the fixed point: every range of four frames, two enclaves with a task each.</summary>
    public static Scenario Memory(int depth)
    {
        var events = new List<Step>();
        foreach ((uint first, ulong count) in Ranges(everyRange: true))
        {
            for (int enclave = 0; enclave < 2; enclave++)
            {
                events.AddRange(RangeCalls.Select(kind => At(OsCpu, kind, enclave, frame: first, count: count, x: 1)));
                events.Add(At(enclave, StepKind.AcceptMemory, frame: first, count: count));
                events.Add(At(enclave, StepKind.ReleaseMemory, frame: first, count: count));
            }
        }

        return new Scenario("memory", OsCpu + 1, [.. Begin(0), .. Begin(1), At(0, StepKind.Gate, task: 0), At(1, StepKind.Gate, task: 2)], events, depth);
    }

    /// <summary>Tasks alone: two of one enclave, one of another, every call that is about tasks, with every handle.</summary>
    public static Scenario Tasks(int depth) => new("tasks", TwoCpus, [.. Begin(0), .. Begin(1)], [.. Everything(everyRange: false).Where(IsOfTasks)], depth);

    /// <summary>Enclaves from creation to the return of their last frame, a task in each.</summary>
    public static Scenario Life(int depth) => new("life", TwoCpus, [.. Begin(0).Take(3), .. Begin(1).Take(3)], [.. Everything(everyRange: false).Where(IsOfLife)], depth);

    /// <summary>All calls of both interfaces with all of their arguments.</summary>
    public static Scenario All(int depth) => new("all", TwoCpus, [.. Begin(0), .. Begin(1)], Everything(everyRange: true), depth);

    private static bool IsOfTasks(Step step) => step.Task != 3 && step.Task2 != 3 && step.Kind switch
    {
        StepKind.TaskCreate => step.X == 1 && step.Frame == FirstFrame + (uint)(step.Task == 1 ? 1 : 2),
        StepKind.TaskClone or StepKind.TaskExec or StepKind.TaskExit or StepKind.TaskDestroy or StepKind.YieldTo or StepKind.YieldBack or StepKind.OsCall
            or StepKind.EventGet or StepKind.TicketIssue or StepKind.TicketCancel or StepKind.TaskEnded or StepKind.Interrupt => true,
        StepKind.Gate => step.X != 1 || step.Task == 0,
        _ => false,
    };

    private static bool IsOfLife(Step step) => step.Task is not (1 or 3) && step.Kind switch
    {
        StepKind.CreateEnclave or StepKind.DestroyEnclave or StepKind.TaskExit or StepKind.TaskDestroy or StepKind.TaskEnded or StepKind.OsCall or StepKind.Stop
            or StepKind.Interrupt => true,
        StepKind.GrantMemory or StepKind.AcceptMemory or StepKind.ReleaseMemory => step.Count == 1 && step.Frame == FirstFrame,
        StepKind.ReclaimMemory => step.Count > 2 || step.Frame == FirstFrame || step.Frame < Names.BlockTwo,
        StepKind.UnsharePages or StepKind.SharePages => step.Frame == Names.Buffer(2 * step.Enclave),
        StepKind.TaskCreate => step.X == 1 && step.Frame == FirstFrame + 1 + (uint)(step.Task / 2),
        StepKind.TaskClone => step.Task2 == NoTask,
        StepKind.Gate => step.X == 0,
        _ => false,
    };

    private static List<Step> Everything(bool everyRange)
    {
        var events = new List<Step>();
        for (int cpu = 0; cpu < TwoCpus; cpu++)
        {
            for (int enclave = 0; enclave < 2; enclave++)
            {
                AddEnclave(events, cpu, enclave, everyRange);
            }

            for (int task = 0; task < 4; task++)
            {
                AddTask(events, cpu, task);
            }

            events.Add(At(cpu, StepKind.Statistics, frame: FirstFrame, x: 0));
            events.Add(At(cpu, StepKind.Statistics, frame: FirstFrame + 2, x: 1));
            events.Add(At(cpu, StepKind.Version));
            events.Add(At(cpu, StepKind.OtherOsCall));
            foreach ((uint first, ulong count) in Ranges(everyRange))
            {
                events.Add(At(cpu, StepKind.AcceptMemory, frame: first, count: count));
                events.Add(At(cpu, StepKind.ReleaseMemory, frame: first, count: count));
            }

            foreach (StepKind kind in (ReadOnlySpan<StepKind>)[
                StepKind.OsCall, StepKind.OsFault, StepKind.EventGet, StepKind.TicketIssue, StepKind.TicketCancel, StepKind.TaskEnded, StepKind.Random,
                StepKind.Stop, StepKind.YieldBack, StepKind.OtherShieldCall, StepKind.Interrupt])
            {
                events.Add(At(cpu, kind));
            }

            events.Add(At(cpu, StepKind.UnwrapKey, frame: FirstFrame));
            events.Add(At(cpu, StepKind.Log, frame: FirstFrame + 2, count: 10));
        }

        return events;
    }

    private static void AddEnclave(List<Step> events, int cpu, int enclave, bool everyRange)
    {
        foreach ((uint first, ulong count) in Ranges(everyRange))
        {
            events.AddRange(RangeCalls.Select(kind => At(cpu, kind, enclave, frame: first, count: count, x: 1)));
        }

        events.Add(At(cpu, StepKind.CreateEnclave, enclave));
        events.Add(At(cpu, StepKind.DestroyEnclave, enclave));
        events.Add(At(cpu, StepKind.DestroyEnclave, Names.Enclaves + enclave)); // an old handle
        events.Add(At(cpu, StepKind.ReclaimMemory, enclave, frame: Names.Memory(enclave), count: 256));
        events.Add(At(cpu, StepKind.ReclaimMemory, enclave, frame: Names.Root(enclave), count: 2));
        events.Add(At(cpu, StepKind.ReclaimMemory, enclave, frame: Names.Tables(enclave), count: Names.TableFrames));
        for (int task = 0; task < 2; task++)
        {
            int place = (2 * enclave) + task;
            events.Add(At(cpu, StepKind.UnsharePages, enclave, frame: Names.Buffer(place), count: 2));
            events.Add(At(cpu, StepKind.SharePages, enclave, frame: Names.Buffer(place), count: 2));
            events.Add(At(cpu, StepKind.TaskCreate, enclave, place, frame: FirstFrame + 1, x: 1));
            events.Add(At(cpu, StepKind.TaskCreate, enclave, place, frame: FirstFrame + 2, x: 1));
            events.Add(At(cpu, StepKind.TaskCreate, 1 - enclave, place, frame: FirstFrame + 2, x: 1));
        }

        // The buffer in the frames of the model, over the boundary.
        events.Add(At(cpu, StepKind.TaskCreate, enclave, 2 * enclave, frame: FirstFrame, frame2: FirstFrame + 1, x: 3));
    }

    private static void AddTask(List<Step> events, int cpu, int task)
    {
        for (int parent = 0; parent < 4; parent++)
        {
            events.Add(At(cpu, StepKind.TaskClone, task: task, task2: parent));
        }

        events.Add(At(cpu, StepKind.TaskClone, task: task, task2: NoTask));
        events.Add(At(cpu, StepKind.TaskExec, task: task));
        events.Add(At(cpu, StepKind.TaskExit, task: task));
        events.Add(At(cpu, StepKind.TaskDestroy, task: task));
        events.Add(At(cpu, StepKind.TaskDestroy, task: Names.Tasks + task));
        events.Add(At(cpu, StepKind.YieldTo, task2: task));
        for (int offset = 0; offset < 3; offset++)
        {
            events.Add(At(cpu, StepKind.Gate, task: task, x: offset));
        }
    }

    private static IEnumerable<(uint First, ulong Count)> Ranges(bool everyRange)
    {
        for (uint first = 0; first < Frames; first++)
        {
            for (uint count = 1; first + count <= Frames; count++)
            {
                if (everyRange || count == 1 || (first == 1 && count == 2))
                {
                    yield return (FirstFrame + first, count);
                }
            }
        }
    }

    private static Step[] Begin(int enclave) =>
    [
        At(0, StepKind.CreateEnclave, enclave),
        At(0, StepKind.TaskCreate, enclave, 2 * enclave, x: 8),
        At(0, StepKind.TaskClone, task: 2 * enclave, task2: NoTask),
        At(0, StepKind.SharePages, enclave, frame: Names.Buffer((2 * enclave) + 1), count: 2),
    ];

    private static Step At(int cpu, StepKind kind, int enclave = 0, int task = 0, int task2 = 0, uint frame = 0, uint frame2 = 0, ulong count = 1, int x = 0) =>
        new(0, cpu, kind, enclave, task, task2, frame, frame2, count, x);
}
