namespace Tulu2.Evaluation.Scoring;

/// <summary>What is done with rows and files that cannot be scored as they are.</summary>
/// <param name="MaxTokens">Most tokens of a generated answer; null: as many as the expected one can have.</param>
/// <param name="SkipLong">Rows that do not fit into the model's context are left out; otherwise they are an error that names them all.</param>
/// <param name="KeepWholeRows">Of a damaged file the whole rows before the damage are scored; otherwise the damage is an error.</param>
public sealed record EvaluationLimits(int? MaxTokens = null, bool SkipLong = false, bool KeepWholeRows = false);
