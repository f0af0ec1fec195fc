namespace BlackBox.Dev.Fuzzing;

/// <summary>An enclave as the calls' answers tell of it.</summary>
internal struct GhostEnclave
{
    public ulong Handle;
    public bool IsDestroyed;
    public bool IsBootTicketUsed;
}

/// <summary>A task as the calls' answers tell of it.</summary>
internal struct GhostTask
{
    public ulong Handle;
    public ulong Enclave;
    public bool IsDestroyed;
    public int TicketsIssued;
    public int TicketsGone;
    public ulong Entry;
    public ulong Stack;
    public ulong Argument;
}

/// <summary>What an observer knows who sees only calls and answers. Small, so that it can be copied with a state.</summary>
internal sealed class Ghost
{
    public const int MaximumHandles = 96;

    public GhostEnclave[] Enclaves { get; } = new GhostEnclave[MaximumHandles];

    public GhostTask[] Tasks { get; } = new GhostTask[MaximumHandles];

    public int EnclaveCount { get; set; }

    public int TaskCount { get; set; }

    /// <summary>Current and last destroyed handle of each place.</summary>
    public ulong[] EnclaveAt { get; } = new ulong[2 * Names.Enclaves];

    public ulong[] TaskAt { get; } = new ulong[2 * Names.Tasks];

    public bool IsFull => EnclaveCount >= MaximumHandles - 8 || TaskCount >= MaximumHandles - 8;

    public void CopyTo(Ghost other)
    {
        Array.Copy(Enclaves, other.Enclaves, Math.Max(EnclaveCount, other.EnclaveCount));
        Array.Copy(Tasks, other.Tasks, Math.Max(TaskCount, other.TaskCount));
        EnclaveAt.CopyTo(other.EnclaveAt, 0);
        TaskAt.CopyTo(other.TaskAt, 0);
        other.EnclaveCount = EnclaveCount;
        other.TaskCount = TaskCount;
    }

    public void Clear()
    {
        Array.Clear(Enclaves);
        Array.Clear(Tasks);
        Array.Clear(EnclaveAt);
        Array.Clear(TaskAt);
        EnclaveCount = 0;
        TaskCount = 0;
    }

    public ref GhostEnclave FindEnclave(ulong handle)
    {
        for (int i = EnclaveCount - 1; i >= 0; i--)
        {
            if (Enclaves[i].Handle == handle)
            {
                return ref Enclaves[i];
            }
        }

        return ref NoEnclave;
    }

    public ref GhostTask FindTask(ulong handle)
    {
        for (int i = TaskCount - 1; i >= 0; i--)
        {
            if (Tasks[i].Handle == handle)
            {
                return ref Tasks[i];
            }
        }

        return ref NoTask;
    }

    public bool IsEnclave(ulong handle) => FindEnclave(handle) is { Handle: not 0, IsDestroyed: false };

    public bool IsTask(ulong handle) => FindTask(handle) is { Handle: not 0, IsDestroyed: false };

    /// <summary>Handle that a step's number names.</summary>
    public ulong EnclaveHandle(int name) => name switch
    {
        < 2 * Names.Enclaves => EnclaveAt[name],
        (2 * Names.Enclaves) => 0,
        (2 * Names.Enclaves) + 1 => 0x7f,
        (2 * Names.Enclaves) + 2 => EnclaveAt[0] + (1UL << 16),
        _ => EnclaveAt[0] | (1UL << 48),
    };

    public ulong TaskHandle(int name) => name switch
    {
        < 2 * Names.Tasks => TaskAt[name],
        2 * Names.Tasks => 0,
        (2 * Names.Tasks) + 1 => 0xffff_ffff_ffff,
        (2 * Names.Tasks) + 2 => TaskAt[0] + (1UL << 16),
        _ => TaskAt[0] | (1UL << 48),
    };

    public void AddEnclave(ulong handle, int place)
    {
        if (FindEnclave(handle).Handle != 0)
        {
            throw new FuzzException($"the handle {handle:x} of an enclave was given out twice");
        }

        Enclaves[EnclaveCount++] = new GhostEnclave { Handle = handle };
        EnclaveAt[place] = handle;
    }

    public void AddTask(ulong handle, ulong enclave, int place)
    {
        if (FindTask(handle).Handle != 0)
        {
            throw new FuzzException($"the handle {handle:x} of a task was given out twice");
        }

        Tasks[TaskCount++] = new GhostTask { Handle = handle, Enclave = enclave };
        for (int i = 0; IsTask(TaskAt[place]) && i < Names.Tasks; i++)
        {
            place = IsTask(TaskAt[place]) ? i : place;
        }

        TaskAt[place] = handle;
    }

    public void RemoveEnclave(ulong handle)
    {
        FindEnclave(handle).IsDestroyed = true;
        Retire(EnclaveAt, Names.Enclaves, handle);
    }

    public void RemoveTask(ulong handle)
    {
        FindTask(handle).IsDestroyed = true;
        Retire(TaskAt, Names.Tasks, handle);
    }

    private static void Retire(ulong[] places, int count, ulong handle)
    {
        for (int i = 0; i < count; i++)
        {
            if (places[i] == handle)
            {
                places[count + i] = handle;
            }
        }
    }

    private GhostEnclave _noEnclave;
    private GhostTask _noTask;

    private ref GhostEnclave NoEnclave
    {
        get
        {
            _noEnclave = default;
            return ref _noEnclave;
        }
    }

    private ref GhostTask NoTask
    {
        get
        {
            _noTask = default;
            return ref _noTask;
        }
    }
}

/// <summary>An answer of the monitor that it must not give.</summary>
internal sealed class FuzzException(string message) : Exception(message);
