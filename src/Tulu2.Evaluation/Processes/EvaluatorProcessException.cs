namespace Tulu2.Evaluation.Processes;

/// <summary>A process of an evaluation failed or ended; its work can be given to another one.</summary>
/// <param name="detail">Error with the process's stack trace or last output.</param>
public sealed class EvaluatorProcessException(string error, string detail) : Exception(error)
{
    public override string ToString() => detail;
}
