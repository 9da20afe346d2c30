using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.Preference;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

public sealed class PreferenceBenchmarkTests : IDisposable
{
    private static readonly PreferenceBenchmark Benchmark = new();
    private static readonly PreferenceBenchmark.Item Item = new("1", "d", "f:1", [new("user", "hi"), new("assistant", "yes")], [new("user", "hi"), new("assistant", "no")]);
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData(-1, -2, 1)]
    [InlineData(-2, -1, 0)]
    [InlineData(-1, -1, 0)]
    public void The_chosen_answer_must_be_the_likelier_one_and_a_tie_is_wrong(float chosen, float rejected, double score) =>
        Assert.Equal(new ItemResult(score), Benchmark.Score(Item, [new ModelAnswer.LogProbabilities([chosen, rejected])]));

    [Fact]
    public void Both_sides_are_asked_about_once()
    {
        var request = Assert.IsType<ModelRequest.LogProbabilities>(Benchmark.Next(Item, []));
        Assert.Equal([("chosen", "yes"), ("rejected", "no")], request.Candidates.Select(candidate => (candidate.Name, candidate.Dialogue[^1].Content)));
        Assert.Null(Benchmark.Next(Item, [new ModelAnswer.LogProbabilities([0, 0])]));
    }

    [Fact]
    public void Each_pair_gets_the_log_probabilities_of_its_own_sides()
    {
        File.WriteAllLines(_file, ["""{"id":"a","prompt":"hi","chosen":"yes","rejected":"never"}""", """{"id":"b","prompt":"hi","chosen":"certainly","rejected":"no"}"""]);
        var outcome = Score(new FakeChat());
        Assert.Equal([("a", 1.0), ("b", 0.0)], outcome.Scores.Select(score => (score.Item, score.Value)));
    }

    [Fact]
    public void A_side_beyond_the_context_or_with_an_unknown_token_is_named()
    {
        File.WriteAllLines(_file, ["""{"prompt":"hi","chosen":"yes","rejected":"no"}""", $$"""{"prompt":"{{new string('a', 80)}}","chosen":"yes","rejected":"no"}"""]);
        Assert.Equal($"{_file}:2: its chosen answer lies beyond the model's context of 64 tokens", Assert.Throws<BadInputException>(() => Score(new FakeChat())).Message);
        File.WriteAllLines(_file, ["""{"prompt":"hi","chosen":"yes","rejected":"no \u0416"}"""]);
        Assert.StartsWith($"{_file}:1: its rejected side has a token that the model lacks", Assert.Throws<BadInputException>(() => Score(new FakeChat())).Message);
    }

    private EvaluationOutcome Score(FakeChat model)
    {
        IBenchmark benchmark = Benchmark;
        return ItemScoring.Score("t", benchmark, benchmark.Read(new BenchmarkInput(_file, new BenchmarkOptions(), null)).Items, new ModelAnswers(model, model, null), CancellationToken.None);
    }
}
