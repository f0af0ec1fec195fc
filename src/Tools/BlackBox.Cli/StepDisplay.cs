using System.Diagnostics;
using BlackBox.Attestation;
using BlackBox.Hosting;
using Spectre.Console;

namespace BlackBox.Cli;

/// <summary>
/// Shows how far long steps are, on standard error: bars on a terminal, otherwise a line for each step and then one at
/// most every few seconds, so that a log stays readable.
/// </summary>
internal static class StepDisplay
{
    public static async Task<T> RunAsync<T>(Func<IProgress<StepUpdate>, Task<T>> work)
    {
        if (Console.IsErrorRedirected)
        {
            return await work(new LineProgress()).ConfigureAwait(false);
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new SpinnerColumn())
            .StartAsync(context => work(new BarProgress(context))).ConfigureAwait(false);
    }

    public static Task RunAsync(Func<IProgress<StepUpdate>, Task> work) => RunAsync(async progress =>
    {
        await work(progress).ConfigureAwait(false);
        return 0;
    });

    private sealed class BarProgress(ProgressContext context) : IProgress<StepUpdate>
    {
        private readonly Dictionary<string, ProgressTask> _tasks = [];
        private readonly Lock _gate = new();

        public void Report(StepUpdate value)
        {
            lock (_gate)
            {
                if (!_tasks.TryGetValue(value.Step, out var task))
                {
                    _tasks[value.Step] = task = context.AddTask(Markup.Escape(value.Step), maxValue: 1);
                }

                task.Description = Markup.Escape($"{value.Step}: {Printable.Text(value.Detail)}");
                task.IsIndeterminate = double.IsNaN(value.Fraction);
                if (!task.IsIndeterminate)
                {
                    task.Value = value.Fraction;
                }
            }
        }
    }

    private sealed class LineProgress : IProgress<StepUpdate>
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

        private readonly Stopwatch _sinceLast = Stopwatch.StartNew();
        private readonly Lock _gate = new();
        private string? _step;

        public void Report(StepUpdate value)
        {
            lock (_gate)
            {
                if (value.Step == _step && value.Fraction < 1 && _sinceLast.Elapsed < Interval)
                {
                    return;
                }

                _step = value.Step;
                _sinceLast.Restart();
                Console.Error.WriteLine($"{value.Step}: {Printable.Text(value.Detail)}");
            }
        }
    }
}
