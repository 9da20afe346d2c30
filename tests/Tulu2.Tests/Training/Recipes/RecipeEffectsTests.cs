using Tulu2.Collectives.Layout;
using Tulu2.Training.Recipes.Reading;
using Xunit;

namespace Tulu2.Tests.Training.Recipes;

/// <summary>What has no effect is said in one sentence, and what has one is not.</summary>
public class RecipeEffectsTests
{
    private static readonly RunCounts Whole = new() { Items = 8, Steps = 4, Positions = 8192, Layout = new ParallelLayout(1) };

    [Theory]
    [InlineData(7, 2, "epochs: 2", "3 of 7 rows are left over in each pass, others each time: batch.global 4 does not divide them")]
    [InlineData(7, 1, "epochs: 1\nschedule: { warmup: 0 }", "3 of 7 rows are left over in each pass: batch.global 4 does not divide them")]
    [InlineData(7, 2, "epochs: 2\ndata: { train: [a], shuffle: false }", "the last 3 of 7 rows are never used: batch.global 4 does not divide them, and data.shuffle is false")]
    [InlineData(7, 2, "epochs: 2\nobjective: dpo", "3 of 7 pairs are left over in each pass, others each time: batch.global 4 does not divide them")]
    [InlineData(4000, 3, "steps: 3", "3,988 of 4,000 rows are never used: the run's 3 steps of batch.global 4 take 12")]
    [InlineData(12, 4, "epochs: 1.5", "epochs 1.5 of 3 steps is cut to 4 whole steps")]
    public void Rows_that_are_never_used_are_counted(int items, int steps, string yaml, string sentence) =>
        Assert.Equal([sentence], Missing(yaml, Whole with { Items = items, Steps = steps }));

    [Theory]
    [InlineData(1, "schedule: { warmup: 0.03 }", "the run's only step has rate 0, which is where schedule.warmup begins: it changes no weight")]
    [InlineData(5, "schedule: { warmup: 5 }\noptimizer: { learning_rate: 1e-3 }",
        "the peak rate is never reached: schedule.warmup is as long as the run's 5 steps, whose last has 0.0008 in place of 0.001")]
    [InlineData(20, "schedule: { warmup: 0.03 }\nprofile: open-instruct", "schedule.warmup 0.03 of 20 steps is less than one step: there is no warm-up")]
    [InlineData(9, "optimizer: { learning_rate: 0 }", "optimizer.learning_rate is 0: no step changes a weight")]
    public void Rates_that_change_nothing_or_are_never_reached_are_said(int steps, string yaml, string sentence) =>
        Assert.Equal([sentence], Missing($"steps: {steps}\n{yaml}", Whole with { Items = 4 * steps, Steps = steps }));

    [Theory]
    [InlineData("checkpoint: { every: 50 }", "checkpoint.every 50 is beyond the run's 4 steps: only the last step's is written")]
    [InlineData("checkpoint: { every: 2, keep: 9 }", "checkpoint.keep 9 has no effect: the run writes 2 checkpoints")]
    [InlineData("checkpoint: { every: 0, keep: 2 }", "checkpoint.keep 2 has no effect: the run writes 1 checkpoint")]
    [InlineData("checkpoint: { every: 50 }\nvalidation: { share: 0.1, every: 2, keep_best: false }", "checkpoint.every 50 is beyond the run's 4 steps: only the last step's is written")]
    [InlineData("seed: 7\ndata: { train: [a], shuffle: false }", "seed 7 has no effect: the weights are given and data.shuffle is false")]
    [InlineData("data: { train: [a], packing: false }\nbatch: { global: 4, slot: 1 }", "data.packing: false pads nothing: with batch.slot 1 a slot is one sequence")]
    [InlineData("data: { train: [a, a, b] }", "data.train names /recipes/a 2 times: its rows count as often")]
    [InlineData("data: { train: [a], max_length: 9000 }", "data.max_length 9000 is beyond the 8192 positions that the model names; TÜLU 2 does this on purpose")]
    [InlineData("parallel: { split_activations: true }", "parallel.split_activations has no effect with parallel.tensor 1")]
    [InlineData("parallel: { overlap: true }", "parallel.overlap has no effect with one replica")]
    [InlineData("parallel: { bitwise: false }", "parallel.bitwise: false has no effect with parallel.tensor 1")]
    [InlineData("parallel: { transport: tcp }", "parallel.transport: tcp has no effect with one rank")]
    [InlineData("parallel: { transport: nccl, device: cuda }",
        "parallel.transport: nccl has no effect with parallel.tensor 1: only tensor-parallel sums go over it")]
    public void A_key_that_decides_nothing_is_named(string yaml, string sentence) => Assert.Equal([sentence], Missing(yaml, Whole));

    [Theory]
    [InlineData("")]
    [InlineData("seed: 7\nschedule: { warmup: 3 }\ncheckpoint: { every: 2, keep: 2 }\ndata: { train: [a, b], packing: false }")]
    [InlineData("checkpoint: { every: 50, keep: 9 }\nvalidation: { share: 0.1, every: 2 }")]
    [InlineData("objective: dpo\nseed: 7\ndata: { train: [a], packing: false }\nbatch: { global: 4, slot: 1 }\nschedule: { warmup: 0 }")]
    public void A_recipe_that_gets_all_it_asks_for_hears_nothing(string yaml) => Assert.Empty(Missing(yaml, Whole));

    [Fact]
    public void What_a_layout_uses_is_no_complaint() =>
        Assert.Empty(Missing("parallel: { data: 2, tensor: 2, split_activations: true, overlap: true, bitwise: false, transport: tcp }",
            Whole with { Layout = new ParallelLayout(2, 2) }));

    [Fact]
    public void Where_nothing_is_known_of_the_data_only_the_recipe_speaks() =>
        Assert.Equal(["optimizer.learning_rate is 0: no step changes a weight"], Missing("optimizer: { learning_rate: 0 }\ncheckpoint: { every: 50 }", new RunCounts()));

    private static IReadOnlyList<string> Missing(string yaml, RunCounts counts)
    {
        var text = "model: { path: base }\n" + (yaml.Contains("data: { train") ? "" : "data: { train: [a] }\n") + (yaml.Contains("batch:") ? "" : "batch: { global: 4, slot: 2 }\n")
            + (yaml.Contains("epochs:") || yaml.Contains("steps:") ? "" : "steps: 4\n") + yaml;
        var loaded = RecipeReader.Parse("recipe.yaml", text, "/recipes", [], "/here");
        RecipeRules.Check(loaded.Recipe, loaded.Fault);
        return RecipeEffects.Missing(loaded.Recipe, counts);
    }
}
