namespace Tulu2.Simulation.Engine;

/// <summary>What the network does to a message between two machines: it loses, repeats, delays and overtakes. Links within a machine do none of it.</summary>
internal sealed class Network(EventLoop loop)
{
    private readonly HashSet<SimulatedProcess> _isolated = [];

    /// <summary>The share of messages that never arrive.</summary>
    public double Loss { get; set; }

    /// <summary>The share that arrives twice.</summary>
    public double Repeats { get; set; }

    /// <summary>The share of reports that come once more, long after, although they were delivered.</summary>
    public double Echoes { get; set; }

    public TimeSpan Least { get; set; } = TimeSpan.FromMilliseconds(0.2);

    /// <summary>A delay between the two is drawn for each message, so later ones overtake earlier ones.</summary>
    public TimeSpan Most { get; set; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Nothing comes to the machine of this process or leaves it.</summary>
    public void Isolate(SimulatedProcess process) => _isolated.Add(process);

    public void Rejoin(SimulatedProcess process) => _isolated.Remove(process);

    public bool IsIsolated(SimulatedProcess process) => _isolated.Contains(process);

    /// <summary>A message that may be lost.</summary>
    public void Send(SimulatedProcess from, SimulatedProcess to, Action arrives)
    {
        if (_isolated.Contains(from) || _isolated.Contains(to) || (Loss > 0 && loop.Chance(Loss))) return;
        to.After(loop.Between(Least, Most), arrives);
        if (Repeats > 0 && loop.Chance(Repeats)) to.After(loop.Between(Least, 20 * Most), arrives);
    }
}
