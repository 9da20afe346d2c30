using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>Kind <c>preference</c>: see <see cref="EvaluationKind.Preference"/>. A tie counts as wrong (docs/reference/tulu2.md, DPO).</summary>
internal static class PreferenceScorer
{
    public static EvaluationOutcome Score(EvaluationTask task, IReadOnlyList<PreferenceRow> rows, LoadedModel model, CancellationToken cancellation)
    {
        var sides = rows.SelectMany(row => new[] { Encode(row, row.Chosen, "chosen", model), Encode(row, row.Rejected, "rejected", model) }).ToList();
        var scores = new LogProbabilityScorer(model).Score(sides, cancellation);
        for (var i = 0; i < scores.Count; i++)
        {
            var side = i;
            NonFiniteException.Check(scores[i],
                () => ($"{rows[side / 2].Location}", $"the log-probability of its {(side % 2 == 0 ? "chosen" : "rejected")} answer"), NonFiniteException.BrokenWeights);
        }
        var correct = rows.Select((_, i) => scores[2 * i] > scores[2 * i + 1]).ToList();
        var datasets = rows.Zip(correct).GroupBy(p => p.First.Dataset).Select(d => new DatasetScore(d.Key, d.Count(), d.Count(p => p.Second)));
        return new EvaluationOutcome(task.Id, rows.Count, correct.Count(c => c), []) { Datasets = [.. datasets] };
    }

    private static EncodedSequence Encode(PreferenceRow row, IReadOnlyList<Message> side, string name, LoadedModel model)
    {
        var encoded = model.Chat.EncodeDialogue(side, LossRule.LastAssistantTurn);
        if (encoded.Ids.Any(id => id >= model.Config.VocabularySize))
            throw new BadInputException(row.Location.ToString(), $"its {name} side has a token that the model lacks, whose tokenizer has more ids than it", "remove this row");
        return encoded.LossTokens > 0 ? encoded : throw new BadInputException(
            row.Location.ToString(), $"its {name} answer lies beyond the model's context of {model.Config.MaxPositions} tokens", "remove this row");
    }
}
