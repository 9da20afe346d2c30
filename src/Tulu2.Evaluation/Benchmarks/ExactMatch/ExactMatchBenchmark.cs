using System.Text;
using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.ExactMatch;

/// <summary>
/// Exact match on instruction rows: whether the greedy answer to the turns before the last assistant turn equals that turn, both stripped of white space.
/// </summary>
public sealed class ExactMatchBenchmark : Benchmark<ExactMatchBenchmark.Item>
{
    /// <summary>Extra tokens for white space around the expected text.</summary>
    private const int Slack = 8;

    /// <param name="Prompt">The turns before the last assistant turn.</param>
    /// <param name="Expected">The last assistant turn, stripped.</param>
    /// <param name="MaxTokens">Maximum number of tokens of the answer.</param>
    public sealed record Item(string Id, string Dataset, string Location, IReadOnlyList<Message> Prompt, string Expected, int MaxTokens)
        : BenchmarkItem(Id, Dataset, Location);

    public override string Name => "exact_match";

    public override bool Takes(RowKind rows) => rows == RowKind.Messages;

    public override BenchmarkItems<Item> Read(BenchmarkInput input) => RowFile.Read(
        RowReader.ReadMessages(input.Rows), input, row => row.Location,
        row => Question(row).Count == 0 ? "has no turn before its last assistant turn" : null,
        row => ItemOf(row, input.Options.MaxTokens),
        TooLong);

    public override IEnumerable<string> Remarks(BenchmarkInput input, IReadOnlyList<Item> items)
    {
        if (input.Chat is not { } chat) yield break;
        var unreachable = items.Count(item => IsOutOfReach(item, input.Options.MaxTokens, chat));
        if (unreachable > 0)
            yield return $"{NumberText.Count(unreachable, "row")} cannot be answered correctly, because the expected answer is longer than "
                + "--max-tokens or the model's context allows; counted as wrong";
    }

    public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) =>
        answers.Count == 0 ? new ModelRequest.Generate(item.Prompt, GenerationOptions.Greedy with { MaxTokens = item.MaxTokens }) : null;

    public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers)
    {
        var answer = ((ModelAnswer.Text)answers[0]).Value;
        var isRight = answer.Trim() == item.Expected;
        return new ItemResult(isRight ? 1 : 0, new EvaluationSample(TextOf(item.Prompt), item.Expected, answer, isRight));
    }

    private static Item ItemOf(MessageRow row, int? maxTokens)
    {
        var question = Question(row);
        var expected = row.Messages[question.Count].Content.Trim();
        // A token has at least one byte, so a longer answer cannot match. Spares an untrained model from generating to the end of its context.
        var most = Encoding.UTF8.GetByteCount(expected) + Slack;
        return new Item(row.Id, row.Dataset, $"{row.Location}", question, expected, Math.Min(most, maxTokens ?? most));
    }

    private static IReadOnlyList<Message> Question(MessageRow row)
    {
        var last = row.Messages.Count - 1;
        while (last >= 0 && row.Messages[last].Role != Message.Assistant) last--;
        return [.. row.Messages.Take(Math.Max(0, last))];
    }

    private static string? TooLong(Item item, ChatEncoder chat)
    {
        var prompt = chat.EncodePrompt(item.Prompt).Length;
        return prompt < chat.MaxLength ? null : $"its prompt has {prompt:N0} tokens, but the model's context holds {chat.MaxLength:N0}, answer included";
    }

    // Whether the expected answer is longer than any that can be generated.
    private static bool IsOutOfReach(Item item, int? maxTokens, ChatEncoder chat)
    {
        var prompt = chat.EncodePrompt(item.Prompt).Length;
        // Not counting the end token, which an answer that fills the context does not need.
        var answer = chat.EncodeDialogue([.. item.Prompt, new Message(Message.Assistant, item.Expected)]).UntruncatedLength - prompt - 1;
        return answer > Math.Min(maxTokens ?? int.MaxValue, chat.MaxLength - prompt);
    }

    // A single turn as plain text; a longer dialogue with the role of each turn.
    private static string TextOf(IReadOnlyList<Message> prompt) =>
        prompt.Count == 1 ? prompt[0].Content : string.Join('\n', prompt.Select(turn => $"{turn.Role}: {turn.Content}"));
}
