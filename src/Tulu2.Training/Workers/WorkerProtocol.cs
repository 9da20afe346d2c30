using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Data.Slots;

namespace Tulu2.Training.Workers;

/// <summary>
/// What a worker is told. Commands are done in order, except <see cref="JoinGeneration"/> and <see cref="Shutdown"/>, which also end at once whatever
/// collective call or wait the worker is in.
/// </summary>
public abstract record WorkerCommand
{
    private WorkerCommand() { }

    /// <summary>Leave every older generation, join this one on the data plane, and answer <see cref="WorkerReport.Joined"/>. Slot gradients are kept.</summary>
    /// <param name="Endpoints">By rank: where its data plane is reached, from <see cref="WorkerReport.Started"/>.</param>
    public sealed record JoinGeneration(long Generation, int Rank, IReadOnlyList<string> Endpoints) : WorkerCommand;

    /// <summary>
    /// Bring the state to <paramref name="Step"/> - 1 by <paramref name="Transfer"/> (every rank of the generation gets the same one), then compute
    /// <paramref name="Compute"/> (what this rank neither holds nor another one will), reduce with everything held, and answer
    /// <see cref="WorkerReport.StepReady"/>. Steps that follow a commit in the same generation begin by themselves with <see cref="SlotAssignment.Range"/>.
    /// </summary>
    /// <param name="Keep">Of the slot gradients held for this step, the ranges to use; the others are dropped.</param>
    public sealed record Begin(long Generation, int Step, StateTransfer Transfer, IReadOnlyList<SlotRange> Keep, IReadOnlyList<SlotRange> Compute) : WorkerCommand;

    /// <summary>The batch of one slot this rank will compute; may come before it is needed.</summary>
    public sealed record Feed(SlotBatch Batch) : WorkerCommand;

    /// <summary>Apply the optimizer with the reduced gradient of <paramref name="Step"/>; answer <see cref="WorkerReport.Applied"/>; go on with the next step unless <paramref name="Last"/>.</summary>
    /// <param name="Snapshot">Copy this rank's share of the state to host memory and write it in the background: <see cref="WorkerReport.ShardWritten"/>.</param>
    public sealed record Commit(long Generation, int Step, bool Snapshot, bool Last) : WorkerCommand;

    /// <summary>Score the segments of a batch with the current weights (the reference pass of DPO, before the first step); answer <see cref="WorkerReport.Scored"/>.</summary>
    public sealed record Score(long Generation, int Task, SlotBatch Batch) : WorkerCommand;

    /// <summary>Stop after what is being computed; free everything.</summary>
    public sealed record Shutdown : WorkerCommand;
}

/// <summary>How the ranks of a generation come to the same parameters and optimizer state.</summary>
public abstract record StateTransfer
{
    private StateTransfer() { }

    /// <summary>All have it.</summary>
    public sealed record None : StateTransfer;

    /// <summary>Initial weights, zero moments: step 0.</summary>
    public sealed record FromRecipe : StateTransfer;

    /// <summary>All load this manifest.</summary>
    public sealed record FromManifest(string Path) : StateTransfer;

    /// <summary>Ranks that have the state give it to those that do not, over the data plane. Copies are disjoint; a rank in none of them has it.</summary>
    public sealed record FromPeer(IReadOnlyList<PeerCopy> Copies) : StateTransfer;
}

/// <summary>One rank's state to others that need the same: all of them are <see cref="Collectives.Layout.ParallelLayout.Twins"/>.</summary>
public sealed record PeerCopy(int Root, IReadOnlyList<int> Receivers);

/// <summary>What a worker tells its rank trainer, on the worker's own thread.</summary>
public abstract record WorkerReport
{
    private WorkerReport() { }

    /// <summary>The first report of a worker: it takes commands now.</summary>
    /// <param name="Endpoint">Where its data plane is reached (<see cref="ICollectiveFactory.Endpoint"/>).</param>
    public sealed record Started(string Endpoint) : WorkerReport;

    /// <summary>Said again and again, by worker processes only and to nobody but who started them: the process runs.</summary>
    public sealed record Alive : WorkerReport;

    /// <param name="StateStep">Steps applied to the parameters this worker holds; -1: it holds none.</param>
    /// <param name="Held">Slot ranges of step <paramref name="StateStep"/> + 1 whose gradients it holds.</param>
    /// <param name="Reduced">It holds the complete reduced gradient of step <paramref name="StateStep"/> + 1, so a repeated commit can be applied.</param>
    public sealed record Joined(long Generation, int Rank, int StateStep, IReadOnlyList<SlotRange> Held, bool Reduced) : WorkerReport;

    public sealed record SlotDone(long Generation, int Rank, int Step, int Slot, double Seconds) : WorkerReport;

    /// <param name="GradientHash">Hash of the reduced gradient; equal on every rank or somebody is corrupt.</param>
    public sealed record StepReady(long Generation, int Rank, int Step, string GradientHash, StepMetrics Metrics, StepTimes Times) : WorkerReport;

    /// <param name="ParametersSha256">After the last step, else null: see <c>train --json</c>.</param>
    public sealed record Applied(long Generation, int Rank, int Step, double Seconds, string? ParametersSha256) : WorkerReport;

    /// <summary>One shard file is durable under its final name.</summary>
    public sealed record ShardWritten(int Rank, int Step, ShardEntry Shard) : WorkerReport;

    /// <summary>A snapshot could not be written (a full disk, say); training is not affected.</summary>
    public sealed record SnapshotFailed(int Rank, int Step, string Error) : WorkerReport;

    /// <param name="LogProbabilities">Summed log-probability of each segment's scored tokens.</param>
    public sealed record Scored(long Generation, int Rank, int Task, float[] LogProbabilities) : WorkerReport;

    /// <summary>The worker is at its end; nothing more comes from it.</summary>
    /// <param name="BadInputWhere">Not null: what the user gave is at fault (see <c>BadInputException</c>), so that a restart would not help.</param>
    /// <param name="BadInputFix">Without a place: nothing that the user gave is at fault, but a restart would not help either (see <c>NonFiniteException</c>).</param>
    public sealed record Failed(long Generation, int Rank, string Error, string Detail, string? BadInputWhere, string? BadInputFix) : WorkerReport;
}

/// <summary>One step's figures over the whole global batch; every rank has the same to the last bit.</summary>
/// <param name="Loss">Before the update.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="Preference">Null for SFT.</param>
public sealed record StepMetrics(double Loss, double GradientNorm, double LearningRate, long Tokens, long LossTokens, PreferenceMetrics? Preference);

/// <summary>tulu2-spec section 5.6: means over the step's pairs; accuracy by a strict greater-than.</summary>
public sealed record PreferenceMetrics(
    double RewardsChosen, double RewardsRejected, double RewardsMargin, double RewardsAccuracy, double LogpsChosen, double LogpsRejected);

/// <summary>Where one rank's time of one step went, in seconds; no time is in two of them, but for the last.</summary>
/// <param name="TensorSums">In sums over the ranks that share its matrices, waiting for them included.</param>
/// <param name="WaitForStage">In receiving from and sending to the stages beside it: the bubble, and the way of the bytes.</param>
/// <param name="ReduceBeside">That the gradients' sum was under way on its own thread while this rank computed, waiting for the others' pieces included.</param>
public sealed record StepTimes(
    double Compute, double WaitForData, double Reduce, double WaitForCommit, double TensorSums = 0, double WaitForStage = 0, double ReduceBeside = 0);

/// <summary>A worker as its rank trainer sees it: the process or dedicated thread that computes for a rank and owns its tensors.</summary>
public interface IWorker : IDisposable
{
    /// <summary>Returns at once; callable from any thread.</summary>
    void Send(WorkerCommand command);
}

public interface IWorkerFactory
{
    /// <summary>Starts the worker of a rank. <paramref name="report"/> is called on the worker's own threads and must return at once.</summary>
    IWorker Start(int rank, Action<WorkerReport> report);
}
