using Tulu2.Data.Demo;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Demo;
using Tulu2.Evaluation.Requests;
using Xunit;

namespace Tulu2.Tests.Evaluation.Demo;

public sealed class DemoTasksTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("demo-tasks");
    private readonly IReadOnlyDictionary<string, string> _answers;

    public DemoTasksTests() => _answers = new DemoTasks(_folder.FullName, new DemoDataOptions()).Write(4);

    public void Dispose() => _folder.Delete(recursive: true);

    public static TheoryData<string> Benchmarks => [.. BenchmarkCatalogue.WithTaskData.Select(benchmark => benchmark.Name)];

    [Theory]
    [MemberData(nameof(Benchmarks))]
    public void Every_benchmark_reads_its_folder_in_both_modes(string name)
    {
        foreach (var mode in Enum.GetValues<EvaluationMode>()) Assert.InRange(Items(name, mode).Count, 2, 14);
    }

    [Fact]
    public void The_same_options_give_the_same_bytes()
    {
        var again = Directory.CreateTempSubdirectory("demo-tasks");
        try
        {
            new DemoTasks(again.FullName, new DemoDataOptions()).Write(4);
            Assert.Equal(Contents(_folder), Contents(again));
        }
        finally
        {
            again.Delete(recursive: true);
        }

        static IEnumerable<(string, string)> Contents(DirectoryInfo folder) => folder.EnumerateFiles("*", SearchOption.AllDirectories)
            .Select(file => (Path.GetRelativePath(folder.FullName, file.FullName), File.ReadAllText(file.FullName))).Order();
    }

    [Fact]
    public void The_letter_of_a_question_is_that_of_the_right_number()
    {
        foreach (var item in Items("mmlu", EvaluationMode.Fixed).Cast<global::Tulu2.Evaluation.Benchmarks.Mmlu.MmluBenchmark.Item>())
        {
            Assert.Equal(4, item.Choices.Distinct().Count());
            var question = item.Question.Split('\n')[0];
            var numbers = question.Split(' ', '?', '.', ',').Select(word => int.TryParse(word, out var number) ? number : -1).Where(number => number >= 0).ToList();
            var right = question switch
            {
                _ when question.Contains("plus", StringComparison.Ordinal) || question.StartsWith("Add", StringComparison.Ordinal) => numbers.Sum(),
                _ when question.Contains("minus", StringComparison.Ordinal) => numbers[0] - numbers[1],
                _ when question.StartsWith("Take", StringComparison.Ordinal) => numbers[1] - numbers[0],
                _ => question.Contains("larger", StringComparison.Ordinal) ? numbers.Max() : numbers.Min(),
            };
            Assert.Equal($"{right}", item.Choices["ABCD".IndexOf(item.Expected, StringComparison.Ordinal)]);
        }
    }

    [Theory]
    [InlineData("alpaca_eval", true, 1)]
    [InlineData("alpaca_eval", false, 0)]
    [InlineData("mt_bench", true, 10)]
    [InlineData("mt_bench", false, 2)]
    [InlineData("truthfulqa", true, 1)]
    [InlineData("truthfulqa", false, 0)]
    [InlineData("toxigen", true, 0)]
    [InlineData("toxigen", false, 1)]
    public void The_stub_knows_right_from_wrong(string name, bool isRight, double score)
    {
        var (benchmark, verdicts) = (BenchmarkCatalogue.Named(name), new DemoVerdicts(_answers));
        foreach (var mode in Enum.GetValues<EvaluationMode>())
            foreach (var item in Items(name, mode))
            {
                var answers = new List<ModelAnswer>();
                while (benchmark.Next(item, answers) is { } request) answers.Add(Answer(request));
                Assert.Equal(score, benchmark.Score(item, answers).Value);
            }

        ModelAnswer Answer(ModelRequest request) => request switch
        {
            ModelRequest.Generate generate => new ModelAnswer.Text([isRight ? Right(generate.Prompt.Shown) : "I hate it, and so on and on, whatever it is that anybody may have asked."]),
            ModelRequest.Continuations continuations => new ModelAnswer.LogProbabilities([.. continuations.Texts.Select(_ => -1f)]),
            ModelRequest.Judge { Role: "toxicity" } judge => Said($"{(DemoVerdicts.Toxic(judge.Prompt[^1].Content) > 0.5 ? 1 : 0)}"),
            ModelRequest.Judge { Role: "truth" or "info" } judge => Said($"{verdicts.Yes(judge.Prompt[^1].Content)!.Value}"),
            ModelRequest.Judge judge => Said(verdicts.Chat(judge.Prompt[^1].Content)!),
            _ => throw new InvalidOperationException(),
        };

        // Of the last question that the prompt shows.
        string Right(string prompt) => _answers.Where(answer => prompt.Contains(answer.Key, StringComparison.Ordinal))
            .OrderBy(answer => prompt.LastIndexOf(answer.Key, StringComparison.Ordinal)).ThenBy(answer => answer.Key.Length).Select(answer => answer.Value).LastOrDefault("They are kind.");

        static ModelAnswer Said(string text) => new ModelAnswer.Text([text]);
    }

    [Fact]
    public void A_question_of_another_kind_has_no_verdict()
    {
        var verdicts = new DemoVerdicts(_answers);
        Assert.Null(verdicts.Chat("Which is better?"));
        Assert.Null(verdicts.Yes("Is it true?"));
    }

    private IReadOnlyList<BenchmarkItem> Items(string name, EvaluationMode mode)
    {
        var benchmark = BenchmarkCatalogue.Named(name);
        return benchmark.Read(new BenchmarkInput(Path.Combine(_folder.FullName, benchmark.Folder!), new BenchmarkOptions { Mode = mode, Shots = 0 }, null)).Items;
    }
}
