namespace Tulu2.Evaluation.Requests;

/// <summary>Gives verdicts on answers: another model, an endpoint, or verdicts that were stored. For one thread at a time.</summary>
public interface IJudge
{
    /// <returns>[requests] the verdicts as text; each benchmark parses its own.</returns>
    IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation);
}
