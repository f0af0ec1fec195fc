using System.Collections.Concurrent;

namespace BlackBox.Emulation;

/// <summary>Collects the results of commands from the agent's stream.</summary>
internal sealed class AgentSession(int outputLimit, ConsoleWatcher? sharedConsole) : IAgentListener
{
    private readonly ConcurrentDictionary<int, (TaskCompletionSource<CommandResult> Result, Action<ReadOnlyMemory<byte>>? OnOutput)> _expected = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<byte> _output = [];
    private Action<ReadOnlyMemory<byte>>? _onOutput;

    /// <summary>Completes when the agent has said that it takes commands.</summary>
    public Task Ready => _ready.Task;

    public Task<CommandResult> Expect(int id, Action<ReadOnlyMemory<byte>>? onOutput)
    {
        var source = new TaskCompletionSource<CommandResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _expected[id] = (source, onOutput);
        return source.Task;
    }

    void IAgentListener.Ready() => _ready.TrySetResult();

    void IAgentListener.Begin(int id)
    {
        _output.Clear();
        _onOutput = _expected.TryGetValue(id, out var entry) ? entry.OnOutput : null;
    }

    void IAgentListener.Output(ReadOnlySpan<byte> bytes)
    {
        sharedConsole?.Feed(bytes);
        if (_output.Count + bytes.Length <= outputLimit)
        {
            _output.AddRange(bytes);
        }

        _onOutput?.Invoke(bytes.ToArray());
    }

    void IAgentListener.Other(ReadOnlySpan<byte> bytes) => sharedConsole?.Feed(bytes);

    void IAgentListener.End(int id, int status)
    {
        if (_expected.TryRemove(id, out var entry))
        {
            entry.Result.TrySetResult(new CommandResult(status, [.. _output]));
        }
    }
}
