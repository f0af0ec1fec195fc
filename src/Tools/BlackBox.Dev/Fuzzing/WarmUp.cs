namespace BlackBox.Dev.Fuzzing;

/// <summary>The middle of things: two enclaves with two tasks each, one preempted, one in a call, and memory granted.</summary>
internal static class WarmUp
{
    public static Step[] For(int cpus)
    {
        var steps = new List<Step>();
        for (int i = 0; i < 2; i++)
        {
            int parent = 2 * i;
            void Add(StepKind kind, int task = 0, int task2 = 0, uint frame = 0, ulong count = 1, int x = 0) =>
                steps.Add(new Step(0, i % cpus, kind, i, task, task2, frame, 0, count, x));
            Add(StepKind.CreateEnclave);
            Add(StepKind.TaskCreate, parent, x: 8);
            Add(StepKind.TaskClone, parent, 2 * Names.Tasks);
            Add(StepKind.Gate, parent);
            Add(StepKind.TicketIssue, parent, x: 1);
            Add(StepKind.OsCall, parent);
            Add(StepKind.TaskCreate, parent + 1, x: 8);
            Add(StepKind.TaskClone, parent + 1, parent);
            Add(StepKind.GrantMemory, frame: Names.BlockTwo - 4 + (512 * (uint)i), count: 4);
            Add(StepKind.GrantMemory, frame: Names.BlockTwo + (512 * (uint)i), count: i == 0 ? 512UL : 4);
            Add(StepKind.Gate, parent + 1);
            Add(StepKind.AcceptMemory, parent + 1, frame: Names.BlockTwo - 2 + (512 * (uint)i), count: 4);
            Add(StepKind.Interrupt, parent + 1);
        }

        return [.. steps];
    }
}
