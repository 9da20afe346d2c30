namespace Tulu2.Evaluation.Scoring;

/// <summary>Values of <see cref="Tasks.EvaluationTask.Kind"/>.</summary>
public static class EvaluationKind
{
    /// <summary>The greedy answer to all turns before the last assistant turn equals that turn, both stripped.</summary>
    public const string ExactMatch = "exact_match";

    /// <summary>The chosen answer has a larger summed log-probability than the rejected one.</summary>
    public const string Preference = "preference";
}
