using System.Text.Json;
using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.ExactMatch;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

public sealed class ExactMatchBenchmarkTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void An_answer_counts_when_it_equals_the_last_turn_both_stripped()
    {
        var outcome = Score(new FakeChat { [" what is one "] = " 1\n", ["two?"] = "2", ["three?"] = "3!" }, Row("add", " what is one ", "1 "), Row("add", "two?", "2"), Row("sort", "three?", "3"));
        Assert.Equal((3, 2.0), (outcome.Items, outcome.Total));
        Assert.Equal([("1", "add", 1.0), ("1", "add", 1.0), ("1", "sort", 0.0)], outcome.Scores.Select(score => (score.Item, score.Dataset, score.Value)));
        Assert.Equal(new EvaluationSample("three?", "3", "3!", false), outcome.Scores[2].Sample);
        Assert.Equal(new EvaluationSample(" what is one ", "1", " 1\n", true), outcome.Scores[0].Sample);
    }

    [Fact]
    public void The_prompt_is_every_turn_before_the_last_assistant_turn()
    {
        var outcome = Score(new FakeChat { ["user: a\nassistant: b\nuser: c"] = "d" }, Row("d", ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e")));
        Assert.Equal(1, outcome.Total);
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
        Score(chat, new BenchmarkOptions(MaxTokens: 3), Row("d", "q", "é"));
        Assert.Equal(3, chat.Asked.Single().Options.MaxTokens);
    }

    [Fact]
    public void A_row_without_a_question_or_with_one_too_long_is_named()
    {
        Assert.Equal($"{_file}:1", Assert.Throws<BadInputException>(() => Score(new FakeChat(), Row("d", ("assistant", "b")))).Where);
        Assert.Equal($"{_file}:1", Assert.Throws<BadInputException>(() => Score(new FakeChat { ContextLength = 1 }, Row("d", "q", "a"))).Where);
    }

    private EvaluationOutcome Score(FakeChat chat, params string[] rows) => Score(chat, new BenchmarkOptions(), rows);

    private EvaluationOutcome Score(FakeChat chat, BenchmarkOptions options, params string[] rows)
    {
        File.WriteAllLines(_file, rows);
        IBenchmark benchmark = new ExactMatchBenchmark();
        return ItemScoring.Score("t", benchmark, benchmark.Read(new BenchmarkInput(_file, options, null)).Items, new ModelAnswers(chat, chat, null), CancellationToken.None);
    }

    private static string Row(string dataset, string question, string answer) => Row(dataset, ("user", question), ("assistant", answer));

    private static string Row(string dataset, params (string Role, string Content)[] turns) =>
        JsonSerializer.Serialize(new { dataset, id = "1", messages = turns.Select(turn => new { role = turn.Role, content = turn.Content }) });
}

/// <summary>Answers known questions; a prompt's only id is the question's number.</summary>
internal sealed class FakeChat : Dictionary<string, string>, IChatGenerator, ICandidateScorer
{
    private readonly List<string> _questions = [];

    public List<GenerationRequest> Asked { get; } = [];
    public int ContextLength { get; init; } = 64;

    public int[] EncodeChat(IReadOnlyList<Message> messages)
    {
        _questions.Add(messages.Count == 1 ? messages[0].Content : string.Join('\n', messages.Select(m => $"{m.Role}: {m.Content}")));
        return [_questions.Count - 1];
    }

    public int[] Encode(ModelPrompt prompt)
    {
        if (prompt is ModelPrompt.Chat { AnswerPrefix: "" } chat) return EncodeChat(chat.Dialogue);
        _questions.Add(prompt.Shown);
        return [_questions.Count - 1];
    }

    // One id a character, as its tokenizer has it.
    public int[] EncodeContinuation(string text) => [.. text.Select(character => (int)character)];

    public IReadOnlyList<GenerationResult> Generate(IReadOnlyList<GenerationRequest> requests, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        Asked.AddRange(requests);
        foreach (var request in requests) request.OnText?.Invoke(this[_questions[request.PromptIds[0]]]);
        return [.. requests.Select(r => new GenerationResult(this[_questions[r.PromptIds[0]]], FinishReason.Stop, 1, []))];
    }

    // One token a character, each of log-probability -1.
    public ChatEncoder Chat => new(new ChatTokenizer((text, _) => [.. text.Select(character => (int)character)], 1, 2, "characters"), ChatForm.Default, 64);

    public int VocabularySize => 256;

    public IReadOnlyList<float> Score(IReadOnlyList<EncodedSequence> sequences, CancellationToken cancellation) => [.. sequences.Select(sequence => (float)-sequence.LossTokens)];
}
