using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.Preference;

/// <summary>
/// Preference accuracy: whether the chosen answer of a pair has a larger summed log-probability than the rejected one; a tie counts as wrong
/// (docs/reference/tulu2.md, DPO).
/// </summary>
public sealed class PreferenceBenchmark : Benchmark<PreferenceBenchmark.Item>
{
    public sealed record Item(string Id, string Dataset, string Location, IReadOnlyList<Message> Chosen, IReadOnlyList<Message> Rejected)
        : BenchmarkItem(Id, Dataset, Location);

    public override string Name => "preference";

    public override bool Takes(RowKind rows) => rows == RowKind.Preferences;

    // Pairs with equal or empty answers are left out by the reader.
    public override BenchmarkItems<Item> Read(BenchmarkInput input) => RowFile.Read(
        RowReader.ReadPreferences(input.Rows), input, row => row.Location, _ => null,
        row => new Item(row.Id, row.Dataset, $"{row.Location}", row.Chosen, row.Rejected),
        TooLong);

    public override IEnumerable<string> Remarks(BenchmarkInput input, IReadOnlyList<Item> items)
    {
        if (input.Options.MaxTokens is not null) yield return "--max-tokens has no effect: preference pairs are scored without generation";
        if (input.Chat is { } chat && items.Count(item => IsCut(item, chat)) is > 0 and var cut)
            yield return $"{NumberText.Count(cut, "row")} cut at the model's context of {chat.MaxLength:N0} tokens";
    }

    public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) => answers.Count == 0
        ? new ModelRequest.LogProbabilities([new CandidateAnswer("chosen", item.Chosen), new CandidateAnswer("rejected", item.Rejected)])
        : null;

    public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers)
    {
        var sides = ((ModelAnswer.LogProbabilities)answers[0]).Values;
        return new ItemResult(sides[0] > sides[1] ? 1 : 0);
    }

    private static string? TooLong(Item item, ChatEncoder chat)
    {
        var (chosen, rejected) = Encode(item, chat);
        var side = chosen.LossTokens == 0 ? "chosen" : rejected.LossTokens == 0 ? "rejected" : null;
        if (side is not null) return $"its {side} answer lies beyond the model's context of {chat.MaxLength:N0} tokens";
        return chosen.Ids.AsSpan().SequenceEqual(rejected.Ids) ? $"its answers do not differ within the model's context of {chat.MaxLength:N0} tokens" : null;
    }

    private static bool IsCut(Item item, ChatEncoder chat)
    {
        var (chosen, rejected) = Encode(item, chat);
        return chosen.Truncated || rejected.Truncated;
    }

    private static (EncodedSequence Chosen, EncodedSequence Rejected) Encode(Item item, ChatEncoder chat) =>
        (chat.EncodeDialogue(item.Chosen, LossRule.LastAssistantTurn), chat.EncodeDialogue(item.Rejected, LossRule.LastAssistantTurn));
}
