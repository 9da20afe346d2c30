using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Http;

/// <summary><c>predict:https://HOST/predict#MODEL</c>: a text-classification endpoint, in the role <c>toxicity</c>.</summary>
public sealed class PredictJudgeKind : IJudgeKind
{
    public IReadOnlyList<string> Schemes => ["predict"];

    public string Form => "predict:https://HOST/predict#MODEL";

    public IRoleJudge Open(JudgeSpec spec, JudgeSettings settings)
    {
        var parts = spec.Rest.Split('#', 2);
        if (!Uri.TryCreate(parts[0], UriKind.Absolute, out var address) || address.Host.Length == 0)
            throw new BadInputException(spec.Where, "is not the address of a classifier", $"give {Form}");
        var model = parts.ElementAtOrDefault(1);
        return new CountedJudge(spec.Role, $"endpoint:{model ?? address.Authority}", () => new ClassificationEndpoint(JudgeHttp.To(address, settings), address, model));
    }
}
