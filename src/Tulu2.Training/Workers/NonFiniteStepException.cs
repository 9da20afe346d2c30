namespace Tulu2.Training.Workers;

/// <summary>A step's loss or gradient norm is not a number: the step is not applied, and doing it again would give the same.</summary>
public sealed class NonFiniteStepException(int step, string figure, double value)
    : Exception($"step {step}: {figure} is {value.ToString(System.Globalization.CultureInfo.InvariantCulture)}; the step was not applied")
{
    public int Step { get; } = step;

    public const string Mend = "lower optimizer.learning_rate or raise schedule.warmup and resume from the last checkpoint; if it is the first step, look at the data and the initial weights";
}
