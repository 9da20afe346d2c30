namespace Tulu2.Simulation.Engine;

/// <summary>A process: what it has planned happens while it runs, waits while it is frozen (SIGSTOP), and is forgotten when it is dead.</summary>
internal sealed class SimulatedProcess(EventLoop loop, string name)
{
    private readonly Queue<Action> _waiting = new();
    private readonly List<Action> _onDeath = [];
    private int _frozen;

    public string Name => name;

    public bool IsAlive { get; private set; } = true;

    public bool IsFrozen => _frozen > 0;

    public bool Runs => IsAlive && !IsFrozen;

    /// <summary>Plans something that this process does.</summary>
    public void After(TimeSpan delay, Action happens) => loop.After(delay, () => Do(happens));

    /// <summary>Does it now, or when the process goes on; never, if it is dead.</summary>
    public void Do(Action happens)
    {
        if (!IsAlive) return;
        if (IsFrozen) _waiting.Enqueue(happens);
        else happens();
    }

    /// <summary>A process that is dead has died.</summary>
    public void OnDeath(Action happens)
    {
        if (IsAlive) _onDeath.Add(happens);
        else happens();
    }

    public void Kill()
    {
        if (!IsAlive) return;
        IsAlive = false;
        _waiting.Clear();
        loop.Say($"{name} dies");
        foreach (var happens in _onDeath.ToArray()) happens();
    }

    public void Freeze() => _frozen++;

    /// <summary>Goes on where it was stopped: first with what has come meanwhile.</summary>
    public void Thaw()
    {
        if (--_frozen > 0 || !IsAlive) return;
        loop.After(TimeSpan.Zero, Drain);
    }

    private void Drain()
    {
        while (Runs && _waiting.TryDequeue(out var happens)) happens();
    }
}
