using Tulu2.Files;
using Tulu2.Protocol.Ids;

namespace Tulu2.Training.State;

/// <summary>A number of a step is not finite: doing the step again would give the same.</summary>
/// <param name="outcome">What therefore was not done.</param>
public sealed class NonFiniteStepException(StepNumber step, string figure, double value, string outcome = "the step was not applied")
    : NonFiniteException($"step {step}", $"{figure} is {Text(value)}; {outcome}", StepFix)
{
    public const string StepFix = "lower optimizer.learning_rate or raise schedule.warmup and resume from the last checkpoint; if it is the first step, look at the data and the initial weights";
}
