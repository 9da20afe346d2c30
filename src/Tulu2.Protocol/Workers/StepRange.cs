using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Workers;

/// <summary>Steps from the first to the last, both included.</summary>
public readonly record struct StepRange(StepNumber First, StepNumber Last)
{
    public bool Contains(StepNumber step) => First <= step && step <= Last;
}
