using Tulu2.Cluster.Hosting;

namespace Tulu2.Cluster.Runs;

/// <summary>Runs one training run under the actors of a host.</summary>
public sealed class RunHost(ActorHost host)
{
    /// <summary>
    /// Trains to the end of the plan. Cancelling finishes the running step, writes a checkpoint and completes with <see cref="RunEnd.Cancelled"/>.
    /// Never throws for what happens in the run: see <see cref="RunOutcome.Failure"/>. One run at a time per host.
    /// </summary>
    public Task<RunOutcome> RunAsync(RunPlan plan, IRunObserver observer, CancellationToken cancellation) => throw new NotImplementedException(host.ToString());
}
