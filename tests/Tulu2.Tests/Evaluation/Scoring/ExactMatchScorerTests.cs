using Tulu2.Data.Rows;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Scoring;

public class ExactMatchScorerTests
{
    private static readonly EvaluationTask Task = new("t", EvaluationKind.ExactMatch, "model", "rows.jsonl", 0, 4);

    [Fact]
    public void An_answer_counts_when_it_equals_the_last_turn_both_stripped()
    {
        var outcome = Score(new FakeChat { [" what is one "] = " 1\n", ["two?"] = "2", ["three?"] = "3!" }, Row("add", " what is one ", "1 "), Row("add", "two?", "2"), Row("sort", "three?", "3"));
        Assert.Equal((3, 2.0), (outcome.Items, outcome.Score));
        Assert.Equal([new DatasetScore("add", 2, 2), new DatasetScore("sort", 1, 0)], outcome.Datasets);
        Assert.Equal(new EvaluationSample("three?", "3", "3!", false), outcome.Samples[0]);
        Assert.Equal(new EvaluationSample(" what is one ", "1", " 1\n", true), outcome.Samples[1]);
    }

    [Fact]
    public void The_prompt_is_every_turn_before_the_last_assistant_turn()
    {
        var row = new MessageRow("d", "1", [new("user", "a"), new("assistant", "b"), new("user", "c"), new("assistant", "d"), new("user", "e")], new RowLocation("f", 1));
        var outcome = Score(new FakeChat { ["user: a\nassistant: b\nuser: c"] = "d" }, row);
        Assert.Equal(1, outcome.Score);
    }

    [Fact]
    public void Answers_are_greedy_and_as_long_as_a_match_can_be()
    {
        var chat = new FakeChat { ["q"] = "é" };
        Score(chat, Row("d", "q", "é"));
        Assert.Equal((0.0, 10), (chat.Asked.Single().Options.Temperature, chat.Asked.Single().Options.MaxTokens));
    }

    [Fact]
    public void No_answer_is_longer_than_is_asked_for()
    {
        var chat = new FakeChat { ["q"] = "é" };
        ExactMatchScorer.Score(Task, [Row("d", "q", "é")], chat, 3, CancellationToken.None);
        Assert.Equal(3, chat.Asked.Single().Options.MaxTokens);
    }

    [Fact]
    public void A_row_without_a_question_or_with_one_too_long_is_named()
    {
        var lonely = new MessageRow("d", "1", [new("assistant", "b")], new RowLocation("rows.jsonl", 7));
        Assert.Equal("rows.jsonl:7", Assert.Throws<BadInputException>(() => Score(new FakeChat(), lonely)).Where);
        Assert.Equal("f:1", Assert.Throws<BadInputException>(() => Score(new FakeChat { ContextLength = 1 }, Row("d", "q", "a"))).Where);
    }

    private static EvaluationOutcome Score(FakeChat chat, params MessageRow[] rows) => ExactMatchScorer.Score(Task, rows, chat, null, CancellationToken.None);

    private static MessageRow Row(string dataset, string question, string answer) =>
        new(dataset, "1", [new("user", question), new("assistant", answer)], new RowLocation("f", 1));
}

/// <summary>Answers known questions; a prompt's only id is the question's number.</summary>
internal sealed class FakeChat : Dictionary<string, string>, IChatGenerator
{
    private readonly List<string> _questions = [];

    public List<GenerationRequest> Asked { get; } = [];
    public int ContextLength { get; init; } = 64;

    public int[] EncodeChat(IReadOnlyList<Message> messages)
    {
        _questions.Add(messages.Count == 1 ? messages[0].Content : string.Join('\n', messages.Select(m => $"{m.Role}: {m.Content}")));
        return [_questions.Count - 1];
    }

    public IReadOnlyList<GenerationResult> Generate(IReadOnlyList<GenerationRequest> requests, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        Asked.AddRange(requests);
        foreach (var request in requests) request.OnText?.Invoke(this[_questions[request.PromptIds[0]]]);
        return [.. requests.Select(r => new GenerationResult(this[_questions[r.PromptIds[0]]], FinishReason.Stop, 1, []))];
    }
}
