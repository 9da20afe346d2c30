using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Scoring;
using Tulu2.Files;
using Tulu2.Tests.Evaluation.Benchmarks;
using Xunit;

namespace Tulu2.Tests.Evaluation.Scoring;

public sealed class ItemScoringTests : IDisposable
{
    private static readonly IBenchmark Toy = new BenchmarkCatalogueTests.Toy();
    private static readonly BenchmarkInput Input = new("rows", new BenchmarkOptions(), null);
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Each_item_gets_its_own_answers_in_as_many_rounds_as_it_needs()
    {
        var judge = new Judge();
        var model = new FakeChat { ["first of one"] = "a", ["first of two"] = "more", ["second of two"] = "b", ["first of three"] = "c" };
        var outcome = ItemScoring.Score("t", Toy, Toy.Read(Input).Items, new ModelAnswers(model, model, judge), CancellationToken.None);
        Assert.Equal([("one", 8.0), ("two", 9.0), ("three", 8.0)], outcome.Scores.Select(score => (score.Item, score.Value)));
        Assert.Equal(["a", "c", "more+b"], judge.Asked);
    }

    [Fact]
    public void A_later_turn_that_does_not_fit_has_an_empty_answer_where_that_is_asked_for()
    {
        var model = new FakeChat { ContextLength = 1 };
        var item = Toy.Read(Input).Items[0];
        var request = new ModelRequest.Generate(new ModelPrompt.Raw("q"), GenerationOptions.Greedy);
        Assert.Throws<BadInputException>(() => Answer(request));
        Assert.Equal([""], Answer(request with { IsEmptyWhereTooLong = true }).Values);
        Assert.Empty(model.Asked);

        ModelAnswer.Text Answer(ModelRequest asked) => (ModelAnswer.Text)new ModelAnswers(model, model, null).Answer([new ItemRequest(item, asked, 0)], CancellationToken.None)[0];
    }

    [Fact]
    public void Continuations_and_next_tokens_are_scored_after_their_prompts_and_samples_have_seeds_of_their_own()
    {
        var model = new FakeChat { ["q\nA:"] = "a" };
        var prompt = ModelPrompt.Of(chat: true, "q", "A:");
        ModelRequest[] requests =
        [
            new ModelRequest.NextTokens(prompt, [" A", " B"]), new ModelRequest.Continuations(prompt, ["one", "four"]), new ModelRequest.Continuations(new ModelPrompt.Raw("q"), ["x"]),
            new ModelRequest.Generate(prompt, GenerationOptions.Greedy with { Count = 3, Seed = 5 }), new ModelRequest.Execute([new CodeProgram("a", "b", 1), new CodeProgram("c", "d", 2)]),
        ];
        var item = Toy.Read(Input).Items[0];
        var answers = new ModelAnswers(model, model, null, new Runner()).Answer([.. requests.Select((request, number) => new ItemRequest(item, request, number))], CancellationToken.None);
        // Each token has the log-probability -1.
        Assert.Equal([-1, -1], ((ModelAnswer.LogProbabilities)answers[0]).Values);
        Assert.Equal([-3, -4], ((ModelAnswer.LogProbabilities)answers[1]).Values);
        Assert.Equal([-1], ((ModelAnswer.LogProbabilities)answers[2]).Values);
        Assert.Equal(["a", "a", "a"], ((ModelAnswer.Text)answers[3]).Values);
        Assert.Equal([5, 6, 7], model.Asked.Select(asked => asked.Options.Seed));
        Assert.Equal(["ab", "cd"], ((ModelAnswer.Runs)answers[4]).Values.Select(run => run.Why));
    }

    [Fact]
    public void Stored_answers_are_scored_without_a_model()
    {
        Store(("one", "a"), ("two", "more"), ("three", "c"), ("two", "b"), ("one", "8"), ("two", "9"), ("three", "9"));
        var outcome = StoredOutputs.Read(_file).Score(Toy, Input);
        Assert.Equal([("one", 8.0), ("two", 9.0), ("three", 9.0)], outcome.Scores.Select(score => (score.Item, score.Value)));
    }

    [Fact]
    public void Stored_answers_that_do_not_fit_their_items_are_named()
    {
        Store(("one", "a"), ("four", "b"));
        Assert.Contains("'four', which is not an item", Assert.Throws<BadInputException>(() => StoredOutputs.Read(_file).Score(Toy, Input)).What);
        Store(("one", "a"), ("two", "more"), ("three", "c"));
        Assert.Contains("has no answer 2 to 'one'", Assert.Throws<BadInputException>(() => StoredOutputs.Read(_file).Score(Toy, Input)).What);
        File.AppendAllText(_file, "{\"id\": 3}\n");
        Assert.Equal($"{_file}:4", Assert.Throws<BadInputException>(() => StoredOutputs.Read(_file)).Where);
        File.Delete(_file);
        Assert.Equal(_file, Assert.Throws<BadInputException>(() => StoredOutputs.Read(_file)).Where);
    }

    [Fact]
    public void Stored_texts_are_no_log_probabilities()
    {
        File.WriteAllText(_file, """{"id":"1","prompt":"hi","chosen":"yes","rejected":"no"}""");
        var pairs = new BenchmarkInput(_file, new BenchmarkOptions(), null);
        var stored = Path.GetTempFileName();
        File.WriteAllText(stored, """{"id":"1","output":"yes"}""");
        Assert.Contains("log-probabilities", Assert.Throws<BadInputException>(() => StoredOutputs.Read(stored).Score(BenchmarkCatalogue.Named("preference"), pairs)).What);
        File.Delete(stored);
    }

    private void Store(params (string Id, string Output)[] answers) =>
        File.WriteAllLines(_file, answers.Select(answer => $$"""{"id": "{{answer.Id}}", "output": "{{answer.Output}}"}"""));

    private sealed class Judge : IJudge
    {
        public List<string> Asked { get; } = [];

        public IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation)
        {
            Asked.AddRange(requests.Select(request => request.Prompt[0].Content));
            return [.. requests.Select(request => request.Prompt[0].Content.Contains('+', StringComparison.Ordinal) ? "9" : "8")];
        }
    }

    private sealed class Runner : ICodeRunner
    {
        public IReadOnlyList<CodeOutcome> Run(IReadOnlyList<CodeProgram> programs, CancellationToken cancellation) =>
            [.. programs.Select(program => new CodeOutcome(true, program.Source + program.Check))];
    }
}
