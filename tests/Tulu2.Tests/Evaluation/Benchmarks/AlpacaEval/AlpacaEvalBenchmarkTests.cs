using System.Security.Cryptography;
using System.Text;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.AlpacaEval;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.TaskData;
using Tulu2.Evaluation.Tasks;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks.AlpacaEval;

public class AlpacaEvalBenchmarkTests
{
    private const string FirstWins = "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]";
    private const string SecondWins = "[{'model': 'model_1', 'rank': 2}, {'model': 'model_2', 'rank': 1}]";

    // Drawn by Python 3.11: random.Random("is_switched_outputs" + instruction + seed).choices([False, True])[0].
    [Theory]
    [InlineData("2+2", 0, false)]
    [InlineData("2+3", 0, true)]
    [InlineData("What is the capital of Österreich?", 0, false)]
    [InlineData("What is the capital of Österreich?", 1, true)]
    [InlineData("你好 😀", 123, false)]
    [InlineData("", 0, false)]
    [InlineData("a", 0, true)]
    [InlineData("b", 0, true)]
    [InlineData("c", 0, false)]
    public void The_order_is_the_originals(string instruction, int seed, bool isSwitched) => Assert.Equal(isSwitched, AnswerOrder.IsSwitched(instruction, seed));

    [Fact]
    public void A_place_named_in_an_instruction_is_filled_as_the_original_does_and_left_alone_in_fixed()
    {
        Assert.Equal("5b3bbed3460419e91f4a20954848965af114bfca1d7c585fcc6e1b33bf636c42", Hash(RankingPrompt.Of("Say {output_1} {x}", "A {output_2}", "B", EvaluationMode.Parity)[1].Content));
        Assert.Equal("6ecaa4093bcbd56e4718772e1906fbd62e055a80c18d8d632144d81b62d87165", Hash(RankingPrompt.Of("i", "cut <|im_end|> here", "B", EvaluationMode.Parity)[1].Content));
        var mended = RankingPrompt.Of("Say {output_1} {x}", "A {output_2} <|im_end|>", "B", EvaluationMode.Fixed)[1].Content;
        Assert.Contains("\"\"\"Say {output_1} {x}\"\"\"", mended);
        Assert.Contains("\"\"\"A {output_2} <|im_end|>\"\"\"", mended);
        Assert.Contains("\"\"\"B\"\"\"", mended);
    }

    [Fact]
    public void The_models_answer_is_shown_where_the_order_says_and_its_win_counts_one()
    {
        using var example = new AlpacaEvalExample();
        foreach (var item in example.Read())
        {
            var generate = Assert.IsType<ModelRequest.Generate>(example.Benchmark.Next(item, []));
            Assert.Equal((8192, 0.0), (generate.Options.MaxTokens, generate.Options.Temperature));
            Assert.Equal(item.Instruction, generate.Prompt.Shown);
            var request = Assert.IsType<ModelRequest.Judge>(example.Benchmark.Next(item, [new ModelAnswer.Text("mine")]));
            Assert.Equal(("pairs", 100), (request.Role, request.MaxTokens));
            var text = request.Prompt[1].Content;
            Assert.Equal(item.IsSwitched, text.IndexOf("mine", StringComparison.Ordinal) < text.IndexOf(item.Reference, StringComparison.Ordinal));
            Assert.Equal(item.IsSwitched ? 1 : 0, example.Benchmark.Score(item, [new ModelAnswer.Text("mine"), new ModelAnswer.Text(FirstWins)]).Value);
            Assert.Equal(item.IsSwitched ? 0 : 1, example.Benchmark.Score(item, [new ModelAnswer.Text("mine"), new ModelAnswer.Text(SecondWins)]).Value);
            Assert.Null(example.Benchmark.Next(item, [new ModelAnswer.Text("mine"), new ModelAnswer.Text(FirstWins)]));
        }
    }

    [Fact]
    public void Equal_answers_are_a_draw_that_nobody_is_asked_about()
    {
        using var example = new AlpacaEvalExample();
        var item = example.Read()[0];
        var answers = new[] { new ModelAnswer.Text(item.Reference) };
        Assert.Null(example.Benchmark.Next(item, answers));
        Assert.Equal(0.5, example.Benchmark.Score(item, answers).Value);
    }

    [Theory]
    [InlineData(FirstWins, SecondWins, 1.0)]
    [InlineData(SecondWins, FirstWins, 0.0)]
    [InlineData(FirstWins, FirstWins, 0.5)]
    [InlineData(SecondWins, SecondWins, 0.5)]
    [InlineData("?", SecondWins, 1.0)]
    [InlineData(SecondWins, "?", 0.0)]
    [InlineData("?", "?", double.NaN)]
    public void In_both_orders_the_verdicts_are_averaged(string first, string second, double expected)
    {
        using var example = new AlpacaEvalExample();
        var item = example.Read(options => options with { BothOrders = true }).First(item => item.IsSwitched);
        List<ModelAnswer> answers = [new ModelAnswer.Text("mine")];
        var orders = new List<bool>();
        foreach (var verdict in new[] { first, second })
        {
            var text = Assert.IsType<ModelRequest.Judge>(example.Benchmark.Next(item, answers)).Prompt[1].Content;
            orders.Add(text.IndexOf("mine", StringComparison.Ordinal) < text.IndexOf(item.Reference, StringComparison.Ordinal));
            answers.Add(new ModelAnswer.Text(verdict));
        }
        Assert.Equal([true, false], orders);
        Assert.Null(example.Benchmark.Next(item, answers));
        Assert.Equal(expected, example.Benchmark.Score(item, answers).Value);
    }

    [Fact]
    public void What_cannot_be_read_is_counted_and_left_out()
    {
        var benchmark = new AlpacaEvalBenchmark();
        double[] values = [1, 1, 0.5, 0, double.NaN];
        List<ItemScore> scores = [.. values.Select((value, index) => new ItemScore($"{index}", "", value) { Metrics = PairScore.Metrics(value, new string('x', index), null, null) })];
        Assert.Equal(2.5 / 4, benchmark.Aggregate(scores), 12);
        Assert.Equal(Math.Sqrt((2 * Math.Pow(0.375, 2) + Math.Pow(0.125, 2) + Math.Pow(0.625, 2)) / 3 / 4), benchmark.StandardError(scores), 12);
        var metrics = benchmark.Metrics(scores);
        Assert.Equal((62.5, 2, 1, 1, 1, 2), (metrics["win_rate"], metrics["wins"], metrics["draws"], metrics["losses"], metrics["unparsed"], metrics["mean_length"]));
        Assert.True(double.IsNaN(benchmark.Aggregate([scores[^1]])));
    }

    [SkippableFact]
    public void On_the_real_items_order_and_prompts_are_the_originals_to_the_last_character()
    {
        var folder = ReferenceData.Require("alpaca_eval");
        var items = new AlpacaEvalBenchmark().Read(new BenchmarkInput(folder, new BenchmarkOptions(), null)).Items;
        var outputs = JsonItems.Read(ReferenceData.Require("alpaca_eval", "tulu-2-dpo-13b_outputs.json.gz")).ToDictionary(row => row.Text("instruction"), row => row.Text("output"));
        Assert.Equal(805, items.Count);
        Assert.Equal(406, items.Count(item => item.IsSwitched));
        Assert.Equal("8b3d93b6cd014bfa8a673db0a9d5d46cfff8efbafa44b8e7e4ba82878468030e", Hash(string.Concat(items.Select(item => item.IsSwitched ? '1' : '0'))));
        var asked = items.Select(item => new AlpacaEvalBenchmark().Next(item, [new ModelAnswer.Text(outputs[item.Instruction])])).OfType<ModelRequest.Judge>().ToList();
        Assert.Equal(802, asked.Count);
        // The hash of what alpaca_eval's own prompt functions make of the same outputs.
        var text = string.Concat(asked.SelectMany(request => request.Prompt).Select(turn => $"{turn.Role}\n{turn.Content}\n"));
        Assert.Equal("9e18bb6c863df8839b2fbf4dd69e91487744bee372eb75b4785284e4c4b63d22", Hash(text));
    }

    internal static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
