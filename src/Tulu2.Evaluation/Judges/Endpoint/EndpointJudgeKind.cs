using Tulu2.Evaluation.Judges.Costs;

namespace Tulu2.Evaluation.Judges.Endpoint;

/// <summary><c>https://HOST/v1#MODEL</c>: a model behind an OpenAI-compatible endpoint.</summary>
public sealed class EndpointJudgeKind : IJudgeKind
{
    public IReadOnlyList<string> Schemes => [Uri.UriSchemeHttps, Uri.UriSchemeHttp];

    public string Form => "https://HOST/v1#MODEL";

    public IRoleJudge Open(JudgeSpec spec, JudgeSettings settings)
    {
        var address = EndpointAddress.Of(spec);
        var client = new EndpointClient(address, JudgeKey.Of(address.Base, settings.KeyFile), settings.Limits.Patience);
        return new EndpointJudge(spec.Role, address, client, settings.Limits, new VerdictCache(settings.Cache), JudgePrices.Read(settings.Prices), settings.Cache);
    }
}
