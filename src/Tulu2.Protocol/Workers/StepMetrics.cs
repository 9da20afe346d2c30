namespace Tulu2.Protocol.Workers;

/// <summary>What one step measured over the whole global batch; every rank has the same to the last bit.</summary>
/// <param name="Loss">Before the update.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="More">The objective's own metrics, in its order.</param>
public sealed record StepMetrics(double Loss, double GradientNorm, double LearningRate, long Tokens, long LossTokens, NamedValues More);

/// <summary>Where one rank's time of one step went, in seconds; no time is in two of them, but for <paramref name="ReduceBeside"/>.</summary>
/// <param name="TensorSums">In sums over the ranks that share its matrices, waiting for them included.</param>
/// <param name="WaitForStage">In receiving from and sending to the stages beside it: the bubble, and the way of the bytes.</param>
/// <param name="ReduceBeside">That the gradients' sum was under way on its own thread while this rank computed, waiting for the others' pieces included.</param>
/// <param name="Stall">That the copy of the state for a checkpoint took, before the step.</param>
/// <param name="Transfer">That it took to get or load the state, before the first step of a generation.</param>
public sealed record StepTimes(
    double Compute, double WaitForData, double Reduce, double WaitForCommit, double TensorSums = 0, double WaitForStage = 0, double ReduceBeside = 0,
    double Stall = 0, double Transfer = 0);
