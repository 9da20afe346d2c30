using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.Ranks;

/// <summary>A run's validation data, and what is measured on it.</summary>
public interface IValidationPlan : IScoringPlan
{
    ValidationRules Rules { get; }

    /// <summary>The values of a validation, the loss first. A pure function of the log-probabilities, quick enough for an actor.</summary>
    /// <param name="logProbabilities">By chunk: the summed log-probability of each segment's scored tokens.</param>
    NamedValues Measure(StepNumber step, IReadOnlyList<float[]> logProbabilities);
}
