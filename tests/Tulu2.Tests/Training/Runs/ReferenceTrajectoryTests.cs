using System.Text.Json;
using Tulu2.Collectives.InProcess;
using Tulu2.Data.Slots;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Recipes;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Training.Runs;

/// <summary>The trajectory of <c>data/reference_sft</c>: an independent float64 run of twelve steps from a trained checkpoint.</summary>
public class ReferenceTrajectoryTests
{
    [SkippableFact]
    public void Losses_and_gradient_norms_follow_the_float64_run()
    {
        var model = ReferenceData.Require("tinystories656K_hf");
        var tokens = ReferenceData.Require("reference_sft", "sft_tokens.jsonl");
        using var trajectory = JsonDocument.Parse(File.ReadAllText(ReferenceData.Require("reference_sft", "sft_trajectory.json")));
        var expected = trajectory.RootElement.GetProperty("main").GetProperty("float64").EnumerateArray().ToArray();

        using var supervisor = new TestSupervisor(Settings(model, tokens, slot: 4), ranks: 2);
        supervisor.Run(expected.Length);

        Assert.Equal(expected.Length, supervisor.Steps.Count);
        foreach (var step in expected)
        {
            var metrics = supervisor.Steps[step.GetProperty("step").GetInt32()].Metrics;
            var norm = step.GetProperty("grad_norm").GetDouble();
            Assert.Equal(step.GetProperty("lr").GetDouble(), metrics.LearningRate, 1e-15);
            Assert.Equal(step.GetProperty("loss_tokens").GetInt64(), metrics.LossTokens);
            Assert.Equal(step.GetProperty("loss").GetDouble(), metrics.Loss, 1e-5);
            Assert.Equal(norm, metrics.GradientNorm, 1e-4 * norm);
        }
    }

    private static WorkerSettings Settings(string model, string tokens, int slot)
    {
        var rows = File.ReadLines(tokens).Select(line =>
        {
            using var row = JsonDocument.Parse(line);
            return (Read(row, "input_ids"), Read(row, "labels_open_instruct"));
        }).ToArray();
        var config = HuggingFaceModel.ReadConfig(model);
        return new WorkerSettings
        {
            Recipe = new Recipe
            {
                Model = new() { Path = model },
                Precision = Precision.Fp32,
                Batch = new() { Global = rows.Length, Slot = slot },
                Optimizer = new() { LearningRate = 1e-3 },
                Schedule = new() { Warmup = 2 },
            },
            Parameters = new ParameterMap(config, ParameterMap.LargestVirtualShards(config, 4)),
            Plan = new BatchPlan(new DrawnSequences(rows), new BatchSettings(rows.Length, slot, Steps: 12)),
            DataPlane = new InProcessDataPlane(),
            CheckpointDirectory = "/nowhere",
        };
    }

    private static int[] Read(JsonDocument row, string key) => [.. row.RootElement.GetProperty(key).EnumerateArray().Select(id => id.GetInt32())];
}
