using System.Text.Json;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.TydiQa;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

public sealed class TydiQaBenchmarkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_question_is_asked_after_its_passage_and_an_example_in_its_language()
    {
        Write("swahili_tydiqa_dev.json", ("swahili-1-0", "Pale.", "Wapi?", ["hapa", "pale"]));
        Write("swahili_tydiqa_train.json", ("swahili-2-0", "Leo.", "Lini?", ["leo"]));
        var item = Only(new BenchmarkOptions());
        const string Expected = "Jibu swali lifuatalo kulingana na habari kwenye kifungu kilichotolewa.\n\nKifungu: Leo.\nSwali: Lini?\nJibu: leo\n\nKifungu: Pale.\nSwali: Wapi?\n";
        Assert.Equal(("swahili-1-0", "swahili", 1), (item.Id, item.Dataset, item.Shots));
        Assert.Equal($"{_folder.File("swahili_tydiqa_dev.json")}: data[0]: paragraphs[0]: qas[0]", item.Location);
        Assert.Equal(["hapa", "pale"], item.Expected);
        Assert.Equal($"<|user|>\n{Expected}\n<|assistant|>\nJibu:", TaskRun.Rendered(item.Prompt));
        Assert.Equal((50, 0.0, []), (item.Options.MaxTokens, item.Options.Temperature, item.Options.Stop));
        Assert.Equal($"<|user|>\n{Expected.Trim()}\n<|assistant|>\nJibu:", TaskRun.Rendered(Only(new BenchmarkOptions { Mode = EvaluationMode.Fixed }).Prompt));
        var raw = Only(new BenchmarkOptions { Chat = false });
        Assert.Equal($"{Expected}Jibu:", TaskRun.Rendered(raw.Prompt));
        Assert.Equal(["\n"], raw.Options.Stop);
        Assert.DoesNotContain("Lini", TaskRun.Rendered(Only(new BenchmarkOptions { Shots = 0 }).Prompt));
    }

    [Fact]
    public void The_published_file_of_all_languages_will_do()
    {
        Write("tydiqa-goldp-v1.1-dev.json", ("swahili-1-0", "Pale.", "Wapi?", ["pale"]), ("english-1-0", "There.", "Where?", ["there"]));
        Write("tydiqa-goldp-v1.1-train.json", ("english-3-0", "Now.", "When?", ["now"]), ("swahili-2-0", "Leo.", "Lini?", ["leo"]));
        var items = TaskRun.Read("tydiqa", new BenchmarkOptions(), path: _folder.Root).Items;
        Assert.Equal(["english-1-0", "swahili-1-0"], items.Select(item => item.Id));
        Assert.Contains("Passage: Now.\nQuestion: When?\nAnswer: now\n\nPassage: There.", TaskRun.Rendered(TaskRun.PromptOf("tydiqa", items[0])));
    }

    [Fact]
    public void Without_examples_of_a_language_none_are_shown_unless_they_are_asked_for()
    {
        Write("korean_tydiqa_dev.json", ("korean-1-0", "p", "q", ["a"]));
        IBenchmark benchmark = new TydiQaBenchmark();
        var input = new BenchmarkInput(_folder.Root, new BenchmarkOptions(), null);
        var items = benchmark.Read(input).Items;
        Assert.Equal(0, ((TydiQaBenchmark.Item)items.Single()).Shots);
        Assert.Equal(["1 language of 9: the mean is another", "without an example in korean: no LANGUAGE_tydiqa_train.json there, or too long; figures of the paper have one"], benchmark.Remarks(input, items));
        Assert.Equal(_folder.File("korean_tydiqa_train.json"), Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions { Shots = 1 })).Where);
    }

    [Fact]
    public void The_score_is_the_mean_over_languages_of_the_best_F1_over_answers()
    {
        Write("english_tydiqa_dev.json", ("english-1-0", "p", "q", ["the Eiffel tower", "tower"]), ("english-2-0", "p", "q", ["x"]));
        Write("russian_tydiqa_dev.json", ("russian-1-0", "p", "q", ["«Москва»"]));
        var benchmark = BenchmarkCatalogue.Named("tydiqa");
        foreach (var (mode, russian) in ((EvaluationMode, double)[])[(EvaluationMode.Parity, 0), (EvaluationMode.Fixed, 1)])
        {
            var items = TaskRun.Read("tydiqa", new BenchmarkOptions { Mode = mode }, path: _folder.Root).Items;
            var outcome = TaskRun.Score("tydiqa", items, (item, _) => new ModelAnswer.Text(item.Dataset == "russian" ? " москва.\n" : " Eiffel Tower.\n"));
            Assert.Equal([1, 0, russian], outcome.Scores.Select(score => score.Value));
            Assert.Equal((0.5 + russian) / 2, benchmark.Aggregate(outcome.Scores));
            Assert.Equal(((0.5 + russian) / 2, (0.5 + russian) / 2), (benchmark.Metrics(outcome.Scores)["f1"], benchmark.Metrics(outcome.Scores)["exact_match"]));
            Assert.Equal(("the Eiffel tower | tower", " Eiffel Tower.\n", "Eiffel Tower."), (outcome.Scores[0].Sample!.Expected, outcome.Scores[0].Sample!.Output, outcome.Scores[0].Sample!.Verdict));
        }
    }

    [SkippableFact]
    public void All_questions_are_asked_in_the_fixed_mode_and_every_answer_matches_itself()
    {
        var items = TaskRun.Read("tydiqa", new BenchmarkOptions { Mode = EvaluationMode.Fixed }).Items.Cast<TydiQaBenchmark.Item>().ToList();
        Assert.Equal((5077, 9, 5077), (items.Count, items.Select(item => item.Dataset).Distinct().Count(), items.Select(item => item.Id).Distinct().Count()));
        foreach (var mode in (EvaluationMode[])[EvaluationMode.Parity, EvaluationMode.Fixed])
        {
            var missed = items.Where(item => SquadMetric.Score(item.Expected[^1], item.Expected, mode, item.Dataset).ExactMatch < 1).Select(item => item.Id);
            Assert.Empty(missed);
        }
    }

    /// <summary>Where a training file is missing, its known length keeps the draws of later languages: what Python draws with all nine of them.</summary>
    [SkippableFact]
    public void Examples_of_later_languages_do_not_depend_on_missing_files()
    {
        Assert.Equal((1625, 2755), (Count("korean"), Count("swahili")));
        var prompts = TaskRun.Read("tydiqa", new BenchmarkOptions()).Items.Cast<TydiQaBenchmark.Item>().ToList();
        Assert.All(prompts, item => Assert.Equal(item.Dataset is "korean" or "swahili" ? 1 : 0, item.Shots));

        static int Count(string language)
        {
            using var file = new System.IO.Compression.GZipStream(File.OpenRead(ReferenceData.Require("tydiqa", $"{language}_tydiqa_train.json.gz")), System.IO.Compression.CompressionMode.Decompress);
            using var json = JsonDocument.Parse(file);
            var count = json.RootElement.GetProperty("data").EnumerateArray().SelectMany(article => article.GetProperty("paragraphs").EnumerateArray())
                .Sum(paragraph => paragraph.GetProperty("qas").GetArrayLength());
            Assert.Equal(count, TydiQaLanguage.All.Single(known => known.Name == language).Examples);
            return count;
        }
    }

    [SkippableFact]
    public void A_passage_beyond_512_tokens_is_cut_with_the_beginning_token_spelled_out_in_parity_alone()
    {
        Write("english_tydiqa_dev.json", ("english-1-0", string.Join(' ', Enumerable.Range(0, 600).Select(_ => "word")), "q", ["a"]));
        var prompts = TaskRun.Llama2();
        Assert.Contains($"Passage: <s> {string.Join(' ', Enumerable.Repeat("word", 511))}\nQuestion", Shown(EvaluationMode.Parity));
        Assert.Contains($"Passage: {string.Join(' ', Enumerable.Repeat("word", 512))}\nQuestion", Shown(EvaluationMode.Fixed));

        string Shown(EvaluationMode mode) => TaskRun.Rendered(TaskRun.PromptOf("tydiqa", TaskRun.Read("tydiqa", new BenchmarkOptions { Mode = mode }, prompts, _folder.Root).Items.Single()));
    }

    [Fact]
    public void What_cannot_be_read_is_named()
    {
        Assert.Equal(_folder.Root, Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions())).Where);
        var file = _folder.File("english_tydiqa_dev.json");
        Write("english_tydiqa_dev.json", ("english-1-0", "p", "q", []));
        Assert.Equal(($"{file}: data[0]: paragraphs[0]: qas[0]", "has no answer"), Fault());
        _folder.Write("english_tydiqa_dev.json", """{"data": [{"paragraphs": [{"qas": []}]}]}""");
        Assert.Equal(($"{file}: data[0]: paragraphs[0]", "has no context; it has qas"), Fault());
        _folder.Write("english_tydiqa_dev.json", """{"data": []}""");
        Assert.Equal((file, "has no question"), Fault());
        Write("tydiqa-goldp-v1.1-dev.json", ("dutch-1-0", "p", "q", ["a"]));
        Assert.Equal(_folder.Root, Fault().Where);

        (string Where, string What) Fault()
        {
            var fault = Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions()));
            return (fault.Where, fault.What);
        }
    }

    private TydiQaBenchmark.Item Only(BenchmarkOptions options) => Assert.IsType<TydiQaBenchmark.Item>(TaskRun.Read("tydiqa", options, path: _folder.Root).Items.Single());

    private void Write(string name, params (string Id, string Passage, string Question, string[] Answers)[] questions) => _folder.Write(name, JsonSerializer.Serialize(new
    {
        data = questions.Select(question => new
        {
            title = "t",
            paragraphs = new[] { new { context = question.Passage, qas = new[] { new { id = question.Id, question = question.Question, answers = question.Answers.Select(text => new { text, answer_start = 0 }) } } } },
        }),
    }));
}
