namespace Tulu2.Evaluation.Requests;

/// <summary>Gives verdicts on answers: another model, an endpoint, or stored verdicts. Not thread-safe.</summary>
public interface IJudge
{
    /// <returns>[requests] the verdicts as text; the benchmark parses them.</returns>
    IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation);
}
