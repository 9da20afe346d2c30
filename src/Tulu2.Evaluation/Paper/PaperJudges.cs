using System.Text.RegularExpressions;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Judges;

namespace Tulu2.Evaluation.Paper;

/// <summary>Which judges' numbers may stand in the paper's columns; anyone else's stand in a column of their own.</summary>
public static partial class PaperJudges
{
    /// <summary>Whether the column's numbers depend on who judged.</summary>
    public static bool IsJudged(PaperColumn column) =>
        column is PaperColumn.AlpacaEval or PaperColumn.MtBench or PaperColumn.ToxiGen or PaperColumn.TruthfulQa;

    /// <param name="judges">Ids of those who judged; at least one.</param>
    public static bool AreOf(PaperColumn column, IEnumerable<string> judges) => judges.DefaultIfEmpty("").All(judge => column switch
    {
        PaperColumn.AlpacaEval or PaperColumn.MtBench => JudgeIdentity.IsPapersGpt4(judge),
        PaperColumn.ToxiGen => ToxigenRoberta().IsMatch(judge),
        PaperColumn.TruthfulQa => TruthfulQaJudge().IsMatch(judge),
        _ => true,
    });

    /// <summary>What to say of a number in the paper's column whose judge is not quite the paper's; null: nothing.</summary>
    public static string? Remark(PaperColumn column, IEnumerable<string> judges) => column == PaperColumn.TruthfulQa && judges.Any(judge => judge.Contains("llama", StringComparison.OrdinalIgnoreCase))
        ? "judged by the Llama-2 models that took the place of the paper's GPT-3 judges, which closed; they are said to agree within about a point" : null;

    // Files of the classifier are known by the name of their folder.
    [GeneratedRegex(@"(^|[/:])toxigen[-_]roberta(?![\w-])", RegexOptions.IgnoreCase)]
    private static partial Regex ToxigenRoberta();

    [GeneratedRegex(@"(^|[/:])truthfulqa-(truth|info)-judge-llama2-7B(?![\w-])", RegexOptions.IgnoreCase)]
    private static partial Regex TruthfulQaJudge();
}
