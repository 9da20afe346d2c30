using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Replay;

/// <summary><c>replay:PATH</c>: verdicts of an earlier evaluation, from the directory of `--judge-cache` or from FastChat's judgments.</summary>
public sealed class ReplayJudgeKind : IJudgeKind
{
    public IReadOnlyList<string> Schemes => ["replay"];

    public string Form => "replay:DIR_OR_FILE";

    public IRoleJudge Open(JudgeSpec spec, JudgeSettings settings)
    {
        if (spec.Rest.Length == 0) throw new BadInputException(spec.Where, "names no file", "give replay: and a directory of kept verdicts, or a file of FastChat's judgments");
        return new ReplayJudge(spec.Role, ReplayedVerdicts.Read(spec.Rest), spec.Rest);
    }
}
