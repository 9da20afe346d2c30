using System.Diagnostics;
using Tulu2.Cluster.Messages.Encoding;

namespace Tulu2.Simulation.Model;

/// <summary>Control messages that the coordinator has sent or taken, in the product's encoding, and the processor time of this machine that encoding and decisions took.</summary>
internal sealed class ControlMeter
{
    public long Messages { get; private set; }

    public long Bytes { get; private set; }

    public TimeSpan Busy { get; private set; }

    public void Passed(object message)
    {
        var began = Stopwatch.GetTimestamp();
        var (_, body) = WireSerializer.Pack(message);
        Busy += Stopwatch.GetElapsedTime(began);
        (Messages, Bytes) = (Messages + 1, Bytes + body.Length);
    }

    public void Decided(TimeSpan time) => Busy += time;
}
