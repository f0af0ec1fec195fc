using System;
using System.Threading;

namespace BlackBox.Simulation;

/// <summary>Runs CPUs at once, one at a time: each on a thread of its own, which hands on at memory accesses of the monitor. Where, is a
/// function of a seed: a run can be repeated.</summary>
public sealed class Interleaver : IDisposable
{
    private const int MaximumSwitches = 96;
    private const int MaximumSpins = 20_000;
    private const int SpinCount = 20;

    private readonly SimulatedMachine _machine;
    private readonly Action<int> _work;
    private readonly Thread[] _threads;
    private readonly ManualResetEventSlim[] _turns;
    private readonly SemaphoreSlim _done = new(0);
    private readonly bool[] _isActive;
    private uint _random;
    private int _active;
    private int _gap;
    private int _until;
    private int _switches;
    private int _spins;
    private bool _isEnding;
    private bool _isAborting;
    private Exception? _failure;

    /// <param name="work">what a CPU does in a run; called on its thread</param>
    public Interleaver(SimulatedMachine machine, Action<int> work)
    {
        _machine = machine;
        _work = work;
        int count = machine.LoadedVttbr.Length;
        _isActive = new bool[count];
        _turns = new ManualResetEventSlim[count];
        _threads = new Thread[count];
        for (int i = 0; i < count; i++)
        {
            int cpu = i;
            _turns[i] = new ManualResetEventSlim(false, SpinCount);
            _threads[i] = new Thread(() => RunCpu(cpu)) { IsBackground = true, Name = $"CPU {cpu}" };
            _threads[i].Start();
        }
    }

    /// <summary>Switches of CPUs so far.</summary>
    public long Switches { get; private set; }

    /// <summary>Runs some CPUs until all have done their work; throws what the first of them threw.</summary>
    /// <param name="seed">of the schedule</param>
    /// <param name="cpus">bit mask</param>
    public void Run(uint seed, int cpus)
    {
        _random = (seed * 0x9e37_79b9) | 1;
        _failure = null;
        _isAborting = false;
        _switches = 0;
        _spins = 0;
        _active = 0;
        for (int i = 0; i < _isActive.Length; i++)
        {
            _isActive[i] = ((cpus >> i) & 1) != 0;
            _active += _isActive[i] ? 1 : 0;
        }

        // From a switch at nearly each access to a single one late in a call.
        _gap = (Next() & 3) switch { 0 => 3, 1 => 12, 2 => 60, _ => 400 };
        _until = NextGap();
        _machine.BeforeAccess = OnAccess;
        _machine.OnSpin = OnSpin;
        HandTo(Choose(-1));
        _done.Wait();
        _machine.BeforeAccess = null;
        _machine.OnSpin = null;
        Switches += _switches;
        if (_failure is not null)
        {
            throw new InterleavedException(_failure);
        }
    }

    public void Dispose()
    {
        _isEnding = true;
        for (int i = 0; i < _threads.Length; i++)
        {
            _turns[i].Set();
            _threads[i].Join();
            _turns[i].Dispose();
        }

        _done.Dispose();
    }

    private void RunCpu(int cpu)
    {
        SimulatedMachine.Cpu = cpu;
        while (true)
        {
            WaitTurn(cpu);
            if (_isEnding)
            {
                return;
            }

            try
            {
                if (!_isAborting)
                {
                    _work(cpu);
                }
            }
#pragma warning disable CA1031 // whatever it is, it is the outcome of the run
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (exception is not AbortException)
                {
                    _failure ??= exception;
                }

                _isAborting = true;
            }

            _spins = 0;
            _isActive[cpu] = false;
            if (--_active == 0)
            {
                _done.Release();
            }
            else
            {
                HandTo(Choose(cpu));
            }
        }
    }

    private void OnAccess()
    {
        if (--_until <= 0)
        {
            _until = NextGap();
            if (_switches < MaximumSwitches)
            {
                SwitchAway();
            }
        }
    }

    private void OnSpin()
    {
        if (_active == 1 || ++_spins > MaximumSpins)
        {
            throw new SimulationException("deadlock: a lock is held by nobody who runs");
        }

        SwitchAway();
    }

    private void SwitchAway()
    {
        int me = SimulatedMachine.Cpu;
        int next = Choose(me);
        if (next == me)
        {
            return;
        }

        _switches++;
        HandTo(next);
        WaitTurn(me);
        if (_isAborting)
        {
            throw new AbortException();
        }
    }

    // Any CPU that has work, but not this one if there is another.
    private int Choose(int me)
    {
        int others = me >= 0 && _isActive[me] ? _active - 1 : _active;
        if (others == 0)
        {
            return me;
        }

        int skip = (int)(Next() % (uint)others);
        for (int i = 0; ; i++)
        {
            if (i != me && _isActive[i] && skip-- == 0)
            {
                return i;
            }
        }
    }

    private void HandTo(int cpu) => _turns[cpu].Set();

    private void WaitTurn(int cpu)
    {
        _turns[cpu].Wait();
        _turns[cpu].Reset();
    }

    private int NextGap() => 1 + (int)(Next() % (uint)_gap);

    private uint Next()
    {
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        return _random;
    }

    private sealed class AbortException : Exception;
}

/// <summary>What a CPU threw while several ran.</summary>
public sealed class InterleavedException(Exception inner) : Exception(inner.Message, inner);
