using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Summaries;
using Xunit;

namespace Tulu2.Tests.Evaluation.Summaries;

public class EvaluationSummaryTests
{
    private const string Alpaca = "AlpacaEval % win";

    private static readonly ModelResults Sft = ModelsExample.Model("tulu-2-7b", 0.5), Dpo = ModelsExample.Model("tulu-2-dpo-7b", 0.7, seed: 2);

    private static EvaluationSummary Of(params ModelResults[] models) => EvaluationSummary.Of(models, ModelsExample.Bootstrap);

    private static ReportTable Table(EvaluationSummary summary, string id) => summary.Tables.Single(table => table.Id == id);

    [Fact]
    public void Ours_stands_in_the_paper_s_columns_with_its_average_and_the_difference_from_the_same_model()
    {
        var table = Table(Of(Sft), "table-1");
        var values = Sft.Tasks.ToDictionary(task => task.Result.Task, task => 100 * task.Result.Score!.Value);
        Assert.Equal(values["gsm8k"], table.Cell("tulu-2-7b", "GSM8K 8-shot CoT").Value);
        var average = (values["mmlu"] + values["gsm8k"] + values["bbh"] + values["tydiqa"] + values["humaneval"] + values["alpaca_eval"] + 100 - values["toxigen"]) / 7;
        Assert.Equal(average, table.Cell("tulu-2-7b", "Average").Value!.Value, 1e-9);
        Assert.True(table.Cell("tulu-2-7b", "Average").Interval!.Contains(average));
        Assert.Equal(values["gsm8k"] - 34.0, table.Cell("tulu-2-7b less the paper's TÜLU 2 7B", "GSM8K 8-shot CoT").Value!.Value, 1e-9);
        Assert.Equal("paper (unverified)", table.Rows.First(row => row.Name == "TÜLU 2 7B").Cells[0].Text);
        Assert.Equal("36.9 [S]", table.Cell("TÜLU 2 7B", "Codex-Eval P@10").Line);
        Assert.Equal(("57.1", "56.3 [≠]"), (table.Cell("TÜLU 2+DPO 7B", "Average").Line, table.Cell("TÜLU 2+DPO 7B", "Average as printed").Line));
        Assert.Contains(table.Notes, note => note.StartsWith("[≠] TÜLU 2+DPO 7B", StringComparison.Ordinal));
        Assert.Equal(["table-1", "table-2", "table-3", "table-4", "table-5", "table-6", "table-8"], Of(Sft).Tables.Select(one => one.Id).Where(id => id.StartsWith("table-", StringComparison.Ordinal)));
        Assert.Equal((average * 7 + values["truthfulqa"]) / 8, Table(Of(Sft), "table-2").Cell("tulu-2-7b", "Average").Value!.Value, 1e-9);
    }

    [Fact]
    public void A_number_by_another_judge_stands_in_a_column_of_its_own_and_in_no_average()
    {
        var summary = Of(Sft, Dpo.With("alpaca_eval", result => result with { Judges = new Dictionary<string, string> { ["pairs"] = "local/llama-70b" } })
            .With("mt_bench", result => result with { Judges = new Dictionary<string, string> { ["grades"] = "gpt-4-turbo@api.openai.com" } }));
        var table = Table(summary, "table-1");
        Assert.Equal(TableCell.None, table.Cell("tulu-2-dpo-7b", Alpaca));
        Assert.Equal(100 * Dpo.Tasks[5].Result.Score, table.Cell("tulu-2-dpo-7b", $"{Alpaca}, judged by local/llama-70b").Value);
        Assert.Equal(TableCell.None, table.Cell("tulu-2-7b", $"{Alpaca}, judged by local/llama-70b"));
        Assert.Null(table.Cell("tulu-2-dpo-7b", "Average").Value);
        Assert.Contains(table.Notes, note => note.Contains("tulu-2-dpo-7b: no average, as no number that counts stands in AlpacaEval", StringComparison.Ordinal));
        Assert.NotNull(table.Cell("tulu-2-7b", "Average").Value);
        Assert.DoesNotContain(Table(summary, "table-8").Rows, row => row.Name == "tulu-2-dpo-7b");
        Assert.Equal("MT-Bench by category, judged by gpt-4-turbo@api.openai.com", Table(summary, "categories-1").Heading);
        // Nor are the two put against each other.
        Assert.Equal("scored in different ways: other mode, prompts or judge", summary.Pairs.Single().Tasks.Single(task => task.Task == "alpaca_eval").Why);
    }

    [Theory]
    [InlineData("part of the items (--limit 100)")]
    [InlineData("without 14,034 items of its authors' files")]
    [InlineData("mode fixed")]
    [InlineData("asked for without the chat template")]
    [InlineData("asked for with 5 examples")]
    public void What_is_not_scored_as_the_paper_did_is_marked_and_in_no_average(string what)
    {
        var table = Table(Of(Sft.With("mmlu", result => what[0] switch
        {
            'p' => result with { Limit = 100 },
            'w' => result with { Missing = 14_034 },
            'm' => result with { Mode = EvaluationMode.Fixed },
            _ => what.EndsWith("examples", StringComparison.Ordinal) ? result with { Shots = 5 } : result with { Chat = false },
        })), "table-1");
        var cell = table.Cell("tulu-2-7b", "MMLU 0-shot");
        Assert.NotNull(cell.Value);
        Assert.Contains(table.Notes, note => note.StartsWith($"[{cell.Mark}] {what}", StringComparison.Ordinal));
        Assert.Null(table.Cell("tulu-2-7b", "Average").Value);
        Assert.Equal(TableCell.None, table.Cell("tulu-2-7b less the paper's TÜLU 2 7B", "MMLU 0-shot"));
    }

    [Fact]
    public void A_withheld_task_says_why()
    {
        var table = Table(Of(Sft.With("truthfulqa", result => result with { Score = null, StandardError = null, Withheld = "trained on UltraFeedback", Judges = new Dictionary<string, string>() })), "table-2");
        var cell = table.Cell("tulu-2-7b", "TruthfulQA % true and informative");
        Assert.Equal(("withheld", null), (cell.Text, cell.Value));
        Assert.Contains($"[{cell.Mark}] tulu-2-7b, truthfulqa: withheld: trained on UltraFeedback", table.Notes);
    }

    [Fact]
    public void Dpo_is_put_against_sft_with_a_test_on_the_common_items_and_beside_the_paper_s()
    {
        var summary = Of(Dpo, Sft with { Tasks = [.. Sft.Tasks.Select(task => task.Result.Task == "gsm8k" ? task with { Items = [.. task.Items.Take(20)] } : task)] });
        var pair = Assert.Single(summary.Pairs);
        Assert.Equal(("tulu-2-7b", "tulu-2-dpo-7b", PairRelation.Preferences), (pair.First.Name, pair.Second.Name, pair.Relation));
        var task = pair.Tasks.Single(one => one.Task == "gsm8k");
        var (one, other) = (Sft.Tasks[1].Items.Take(20).Select(item => item.Value).ToList(), Dpo.Tasks[1].Items.Take(20).Select(item => item.Value).ToList());
        Assert.Equal((20, 100 * one.Average(), 100 * other.Average()), (task.Items, task.Difference.First, task.Difference.Second));
        Assert.True(task.Difference.Interval!.Contains(task.Difference.Value));
        Assert.Equal("McNemar, exact", task.Test!.Name);
        Assert.StartsWith("sign flips", pair.Tasks.Single(one => one.Task == "mt_bench").Test!.Name);
        var table = Table(summary, "dpo-sft");
        Assert.Equal("+11.2", table.Cell("TÜLU 2+DPO 7B less TÜLU 2 7B", Alpaca).Text);
        Assert.Equal("−17.8", table.Cell("TÜLU 2+DPO 70B less TÜLU 2 70B", "TyDiQA F1").Text);
        var average = table.Cell("tulu-2-dpo-7b less tulu-2-7b", "Average");
        Assert.Equal(summary.Models[0].Seven.Value!.Value - summary.Models[1].Seven.Value!.Value, average.Value!.Value, 1e-9);
    }

    [Fact]
    public void Mixtures_and_adapters_are_compared_too_and_each_finds_the_paper_s_differences()
    {
        var summary = Of(Sft, ModelsExample.Model("tulu-v1-7b", 0.4), ModelsExample.Model("tulu-2-qlora-7b", 0.3), ModelsExample.Model("other", 0.2));
        Assert.Equal([PairRelation.Mixture, PairRelation.Quantized, PairRelation.Named, PairRelation.Named, PairRelation.Named, PairRelation.Named], summary.Pairs.Select(pair => pair.Relation));
        Assert.Equal("+6.3", Table(summary, "v2-v1").Cell("V2 7B less V1 7B", "Average").Text);
        Assert.Equal("+17.8 [S]", Table(summary, "full-qlora").Cell("Full 7B less QLoRA 7B", Alpaca).Line);
        Assert.Equal("+5.3 [S]", Table(summary, "full-qlora").Cell("Full 7B less QLoRA 7B", "Average").Line);
        // Of five models only those that the paper would compare.
        Assert.Equal(2, Of([.. summary.Models.Select(model => model.Model), ModelsExample.Model("fifth", 0.5)]).Pairs.Count);
    }

    [Fact]
    public void Categories_and_lengths_have_their_tables()
    {
        var summary = Of(Sft);
        var (categories, part) = (Table(summary, "table-8"), Sft.Tasks[8].Result.Datasets.Single(one => one.Name == "writing"));
        Assert.Equal(part.Score, categories.Cell("tulu-2-7b", "Writing").Value);
        Assert.Equal(TableCell.None, categories.Cell("tulu-2-7b", "STEM"));
        Assert.Equal("9.25 [S]", categories.Cell("TÜLU 2+DPO 70B", "Roleplay").Line);
        Assert.Equal(Sft.Tasks[5].Result.MeanLength, Table(summary, "lengths").Cell("alpaca_eval", "tulu-2-7b").Value);
        Assert.Equal(Sft.Tasks[5].Result.MeanLength, Table(summary, "table-4").Cell("tulu-2-7b", "Output length").Value);
        Assert.DoesNotContain(Table(summary, "lengths").Rows, row => row.Name == "mmlu");
    }

    [Fact]
    public void Every_metric_of_checkpoints_is_a_series()
    {
        CheckpointResults At(int step, double score) =>
            new(step, [Sft.Tasks[1].Result with { Step = step, Score = score, Metrics = new Dictionary<string, double> { ["strict"] = score / 2 } }]);
        var summary = Of(Sft with { Checkpoints = [At(100, 0.25), At(200, 0.5)] }, Dpo with { Checkpoints = [At(100, 0.5)] });
        var series = CheckpointTables.Series(summary.Models);
        Assert.Equal(["gsm8k", "gsm8k: strict"], series.Select(one => one.Name));
        Assert.Equal([(100, 25.0), (200, 50.0)], series[0].Points);
        Assert.Equal([(100, 0.125), (200, 0.25)], series[1].Points);
        Assert.Equal(["25.0", "50.0"], Table(summary, "checkpoints-1").Rows.Select(row => row.Cells[0].Text));
    }
}
