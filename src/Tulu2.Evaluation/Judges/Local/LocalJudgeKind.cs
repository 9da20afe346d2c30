using Tulu2.Evaluation.Benchmarks.ToxiGen;
using Tulu2.Evaluation.Benchmarks.TruthfulQa;
using Tulu2.Evaluation.Generation;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Local;

/// <summary>
/// <c>local:DIR</c>: a model in this process, from its Hugging Face directory: a RoBERTa classifier in the role <c>toxicity</c>, a Llama model that says yes or no
/// in <c>truth</c> and <c>info</c>.
/// </summary>
public sealed class LocalJudgeKind : IJudgeKind
{
    public IReadOnlyList<string> Schemes => ["local"];

    public string Form => "local:DIR";

    public IRoleJudge Open(JudgeSpec spec, JudgeSettings settings)
    {
        var directory = spec.Rest;
        if (directory.Length == 0) throw new BadInputException(spec.Where, "names no directory", "give local: and the judge's Hugging Face directory");
        if (!Directory.Exists(ModelFolders.Parse(directory).Model)) throw new BadInputException(spec.Where, $"{directory} is not a directory", "give the judge's Hugging Face directory");
        // Its files are checked now; its weights are read when it is first asked.
        if (spec.Role is TruthfulQaBenchmark.TruthRole or TruthfulQaBenchmark.InformativeRole) LoadedModel.Check(directory);
        return spec.Role switch
        {
            ToxiGenBenchmark.Role => new CountedJudge(spec.Role, Id(directory), () => new ClassifierJudge(directory)),
            TruthfulQaBenchmark.TruthRole or TruthfulQaBenchmark.InformativeRole => new CountedJudge(spec.Role, Id(directory), () => YesJudge.Load(directory)),
            _ => throw new BadInputException(spec.Where, $"the role '{spec.Role}' has no judge in this program", $"serve the model with `tulu2 serve`, and give --judge {spec.Role}=http://HOST:PORT/v1#MODEL"),
        };
    }

    private static string Id(string directory) => $"local:{Path.GetFileName(Path.TrimEndingDirectorySeparator(directory))}";
}
