using Tulu2.Evaluation.Judges.Endpoint;

namespace Tulu2.Evaluation.Judges.Http;

/// <summary><c>completions:https://HOST/v1#MODEL</c>: an OpenAI-compatible endpoint whose model continues a text with yes or no, in the roles <c>truth</c> and <c>info</c>.</summary>
public sealed class CompletionsJudgeKind : IJudgeKind
{
    public IReadOnlyList<string> Schemes => ["completions"];

    public string Form => "completions:https://HOST/v1#MODEL";

    public IRoleJudge Open(JudgeSpec spec, JudgeSettings settings)
    {
        var address = EndpointAddress.Of(spec with { Text = spec.Rest });
        return new CountedJudge(spec.Role, JudgeIdentity.OfEndpoint(address.Model, address.Base), () => new YesEndpoint(new CompletionsClient(address, JudgeHttp.To(address.Base, settings))));
    }
}
