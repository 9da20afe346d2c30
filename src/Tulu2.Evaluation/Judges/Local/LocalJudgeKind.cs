using Tulu2.Evaluation.Benchmarks.ToxiGen;
using Tulu2.Evaluation.Benchmarks.TruthfulQa;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Local;

/// <summary>
/// <c>local:DIR</c>: a model in this process, as its role asks for it: a RoBERTa classifier for <c>toxicity</c>, a Llama model for <c>truth</c> and <c>info</c>.
/// </summary>
public sealed class LocalJudgeKind : IJudgeKind
{
    public IReadOnlyList<string> Schemes => ["local"];

    public string Form => "local:DIR";

    public IRoleJudge Open(JudgeSpec spec, JudgeSettings settings)
    {
        if (spec.Rest.Length == 0) throw new BadInputException(spec.Where, "names no directory", "give local: and the directory of the judge's model");
        return spec.Role switch
        {
            ToxiGenBenchmark.Role => new LocalJudge(spec.Role, new ClassifierJudge(spec.Rest)),
            TruthfulQaBenchmark.TruthRole or TruthfulQaBenchmark.InformativeRole => new LocalJudge(spec.Role, YesJudge.Load(spec.Rest)),
            _ => throw new BadInputException(spec.Where, $"no model of this machine judges in the role '{spec.Role}'", "give an endpoint: https://HOST/v1#MODEL"),
        };
    }
}
