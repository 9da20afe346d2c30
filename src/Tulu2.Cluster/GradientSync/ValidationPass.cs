using System.Collections.Immutable;
using System.Diagnostics;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Ranks;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Protocol.WorkQueues;

namespace Tulu2.Cluster.GradientSync;

/// <summary>Hands out the chunks of a step's validation as <see cref="ValidationRound"/> decides, and measures. Called on the supervisor's thread only.</summary>
internal sealed class ValidationPass(IValidationPlan plan)
{
    private ValidationRound _round = ValidationRound.Of(plan.Chunks);
    private Generation _generation;
    private StepNumber _step;
    private long _begun;

    /// <summary>The values of the last validation that was complete, the loss first.</summary>
    public NamedValues Values { get; private set; } = [];

    /// <summary>The value by which validations are compared.</summary>
    public double Value => Values[plan.Rules.Metric];

    /// <summary>Since the validation began.</summary>
    public double Seconds => Stopwatch.GetElapsedTime(_begun).TotalSeconds;

    /// <summary>A step's validation begins, or goes on in a new generation.</summary>
    public void Begin(Generation generation, StepNumber step, Roster roster, Action<Rank, object> tell)
    {
        if (step != _step) _begun = Stopwatch.GetTimestamp();
        (_generation, _step) = (generation, step);
        (_round, var assigned) = _round.Begin(step, roster);
        Assign(assigned, tell);
    }

    /// <returns>The step's validation is complete now: <see cref="Values"/> has it.</returns>
    public bool Scored(WorkerReport.Scored scored, Action<Rank, object> tell)
    {
        // Else the round could be complete, and the run go on, while a chunk that was assigned again is still being scored.
        if (scored.Generation != _generation) return false;
        (_round, var complete, var assigned) = _round.Scored(scored.Rank, scored.Step, scored.Task, scored.LogProbabilities);
        Assign(assigned, tell);
        if (complete is null) return false;
        Values = plan.Measure(scored.Step, complete);
        return true;
    }

    private void Assign(ImmutableArray<(Rank Rank, int Chunk)> assigned, Action<Rank, object> tell)
    {
        foreach (var (rank, chunk) in assigned) tell(rank, new RankProtocol.ScoreChunk(_generation, _step, chunk));
    }
}
