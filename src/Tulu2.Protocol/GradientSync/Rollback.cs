using System.Collections.Immutable;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.GradientSync;

/// <summary>Steps of a run that were undone. What they were is void; the steps up to the last of them are passed over, so that the run goes on with the data after them.</summary>
/// <param name="Generation">The one that it was decided in: states of that one and older ones are void too, as far as they have steps after <paramref name="To"/>.</param>
/// <param name="To">The last step that counts.</param>
/// <param name="Through">The last step that is passed over: the one that was at fault.</param>
public sealed record Rollback(Generation Generation, StepNumber To, StepNumber Through, string Why)
{
    public bool PassesOver(StepNumber step) => step > To && step <= Through;

    /// <param name="since">The generation in which the state came about.</param>
    public bool Voids(Generation since, StepNumber step) => since <= Generation && step > To;
}

/// <summary>When a step's loss counts as a spike: greater than so many times the median of the steps before it.</summary>
/// <param name="Factor">Of the median.</param>
/// <param name="Window">Steps before it that are looked at; with fewer there is no spike.</param>
public sealed record SpikeRule(double Factor, int Window)
{
    /// <param name="losses">Of steps that were committed and changed the weights; the same in every replay, so that the answer is.</param>
    public bool IsSpike(StepNumber step, double loss, ImmutableDictionary<StepNumber, double> losses)
    {
        var before = new List<double>(Window);
        for (var earlier = step.Value - 1; earlier > 0 && before.Count < Window; earlier--)
            if (losses.TryGetValue(new StepNumber(earlier), out var known)) before.Add(known);
        if (before.Count < Window) return false;
        before.Sort();
        var median = (before[(Window - 1) / 2] + before[Window / 2]) / 2;
        return median > 0 && loss > Factor * median;
    }
}
