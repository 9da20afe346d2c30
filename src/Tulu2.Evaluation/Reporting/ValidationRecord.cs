using Tulu2.Protocol.Workers;

namespace Tulu2.Evaluation.Reporting;

/// <summary>One validation: the content of a line of <c>validation.jsonl</c>.</summary>
/// <param name="Step">The step whose parameters were measured.</param>
/// <param name="Values">The loss, then the objective's metrics.</param>
/// <param name="IsBest">The best of the run up to this one.</param>
/// <param name="Seconds">Wall time.</param>
public sealed record ValidationRecord(int Step, NamedValues Values, bool IsBest, double Seconds);
