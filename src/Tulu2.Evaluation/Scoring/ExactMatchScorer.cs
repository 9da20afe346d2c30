using System.Text;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>Kind <c>exact_match</c>: see <see cref="EvaluationKind.ExactMatch"/>.</summary>
internal static class ExactMatchScorer
{
    private const int SamplesShown = 4;

    /// <summary>White space that an answer may have around the expected text before it counts as too long to match.</summary>
    private const int Slack = 8;

    public static EvaluationOutcome Score(EvaluationTask task, IReadOnlyList<MessageRow> rows, IChatGenerator generator, int? maxTokens, CancellationToken cancellation)
    {
        var items = rows.Select(Item).ToList();
        var results = generator.Generate([.. items.Select(i => Request(i, generator, maxTokens))], cancellation);
        var correct = results.Zip(items, (result, item) => result.Text.Trim() == item.Expected).ToList();
        var scores = rows.Zip(correct).GroupBy(p => p.First.Dataset).Select(d => new DatasetScore(d.Key, d.Count(), d.Count(p => p.Second)));
        return new EvaluationOutcome(task.Id, rows.Count, correct.Count(c => c), Samples(items, results, correct)) { Datasets = [.. scores] };
    }

    private static (IReadOnlyList<Message> Prompt, string Expected, RowLocation Location) Item(MessageRow row)
    {
        var question = RowRoom.Question(row);
        if (question.Count == 0) throw new BadInputException(row.Location.ToString(), EvaluationRows.NoQuestion, "give the question that the answer belongs to");
        return (question, row.Messages[question.Count].Content.Trim(), row.Location);
    }

    private static GenerationRequest Request((IReadOnlyList<Message> Prompt, string Expected, RowLocation Location) item, IChatGenerator generator, int? maxTokens)
    {
        var prompt = generator.EncodeChat(item.Prompt);
        if (prompt.Length >= generator.ContextLength)
            throw new BadInputException(item.Location.ToString(), $"its prompt has {prompt.Length} tokens, but the model's context holds {generator.ContextLength}, answer included", "remove this row");
        // A token stands for at least one byte, so a longer answer cannot match: an untrained model need not ramble to the end of its context.
        var most = Encoding.UTF8.GetByteCount(item.Expected) + Slack;
        return new GenerationRequest(prompt, GenerationOptions.Greedy with { MaxTokens = Math.Min(most, maxTokens ?? most) }) { Place = $"{item.Location}" };
    }

    /// <summary>A few wrong ones and a few right ones, wrong first, each in row order.</summary>
    private static IReadOnlyList<EvaluationSample> Samples(
        List<(IReadOnlyList<Message> Prompt, string Expected, RowLocation Location)> items, IReadOnlyList<GenerationResult> results, List<bool> correct)
    {
        var samples = items.Select((item, i) => new EvaluationSample(Text(item.Prompt), item.Expected, results[i].Text, correct[i])).ToList();
        var wrong = samples.Where(s => !s.Correct).Take(SamplesShown / 2).ToList();
        return [.. wrong, .. samples.Where(s => s.Correct).Take(SamplesShown - wrong.Count)];
    }

    /// <summary>A single question as it is; of a longer dialogue each turn with its role.</summary>
    private static string Text(IReadOnlyList<Message> prompt) =>
        prompt.Count == 1 ? prompt[0].Content : string.Join('\n', prompt.Select(m => $"{m.Role}: {m.Content}"));
}
