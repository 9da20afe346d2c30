using Tulu2.Files;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Outcomes;

/// <summary>A value of a step is not finite. Repeating the step would give the same value, so a restart does not help.</summary>
/// <param name="outcome">The action that was refused because of it.</param>
public sealed class NonFiniteStepException(StepNumber step, string figure, double value, string outcome = "the step was not applied")
    : NonFiniteException($"step {step}", $"{figure} is {Text(value)}; {outcome}", StepFix)
{
    /// <summary>What helps; the command line makes a command of it that can be typed as it is.</summary>
    public const string StepFix = "lower optimizer.learning_rate or raise schedule.warmup and resume from the last checkpoint; if it is the first step, look at the data and the initial weights";

    /// <summary>The same, where the step's own loss or gradient is at fault.</summary>
    public const string SkipFix = StepFix + "; or set on_nonfinite: skip_step, which passes over such steps";
}
