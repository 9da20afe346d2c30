using System.Diagnostics;
using Tulu2.Models.Families;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Training.Planning;

public sealed class LayoutSearchTests
{
    [Fact]
    public void Seventy_billion_parameters_get_a_layout_on_64_ranks_with_tensor_parallelism_inside_a_node()
    {
        var best = new LayoutSearch(Request("llama2-70b")).All(64)[0];
        Assert.True(best.Fits, best.Reason);
        Assert.InRange(best.Tensor, 4, 8);
        Assert.Equal(64, best.Ranks);
        Assert.Equal(0, best.Traffic!.TensorSums.LinkBytes);
        Assert.All(best.Proof, line => Assert.True(line.Holds));
    }

    [Fact]
    public void A_search_comes_to_an_end_soon()
    {
        var clock = Stopwatch.StartNew();
        var all = new LayoutSearch(Request("llama2-70b")).All(64);
        // No measurement: a search that walks a tree of its own making would take hours.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
        Assert.Equal(all.Count, all.Distinct().Count());
        Assert.Equal(all.OrderBy(plan => !plan.Fits).Select(plan => plan.Fits), all.Select(plan => plan.Fits));
        Assert.All(all.Where(plan => !plan.Fits), plan => Assert.NotNull(plan.Reason));
    }

    [Theory]
    [InlineData("llama2-7b")]
    [InlineData("llama2-13b")]
    [InlineData("llama2-70b")]
    [InlineData("codellama-7b")]
    [InlineData("codellama-13b")]
    [InlineData("codellama-34b")]
    [InlineData("tulu2-7b")]
    [InlineData("tulu2-13b")]
    [InlineData("tulu2-70b")]
    public void Every_preset_can_be_cut_into_tensor_parallel_ranks(string preset)
    {
        var plan = new LayoutSearch(Request(preset)).Evaluate(8, 2, 8, 4, 2, true);
        Assert.True(plan.Proof.All(line => line.Holds), plan.Reason);
        // All ranks together hold the parameters once per replica, padding and the norms that tensor-parallel ranks repeat aside.
        var stages = new StageCosts(Request(preset)).Of(8, 8, 4, true);
        var all = 8 * stages.Sum(stage => stage.Elements);
        Assert.InRange((double)all / ModelPresets.Get(preset).ParameterCount, 1, 1.001);
    }

    [Fact]
    public void What_does_not_divide_is_named_with_its_fix()
    {
        var search = new LayoutSearch(Request("llama2-70b"));
        Assert.Equal("virtual shards over tensor-parallel ranks: 4 is not a multiple of 8", search.Evaluate(4, 1, 8, 1, 1, false).Reason);
        Assert.Contains("fewer than 64 replicas", search.Evaluate(4, 64, 1, 1, 1, false).Reason);
        Assert.Contains("not a multiple of 3", search.Evaluate(4, 4, 1, 1, 3, false).Reason);
        Assert.Contains("cannot be split into 81 stages", search.Evaluate(4, 1, 1, 81, 1, false).Reason);
        Assert.All(search.Evaluate(4, 1, 8, 1, 1, false).Proof.Where(line => !line.Holds), line => Assert.NotNull(line.Fix));
        Assert.Contains("do not fit into 80 GiB", search.Evaluate(8, 1, 8, 1, 1, true).Reason);
    }

    [Fact]
    public void Degrees_do_to_memory_and_traffic_what_they_are_for()
    {
        var search = new LayoutSearch(Request("llama2-7b"));
        PlannedLayout one = search.Evaluate(4, 4, 1, 1, 1, false), zero = search.Evaluate(4, 4, 1, 1, 4, false), again = search.Evaluate(4, 4, 1, 1, 1, true),
            cut = search.Evaluate(4, 4, 4, 1, 1, false), pipelined = search.Evaluate(4, 4, 1, 4, 1, false);
        RankMemory Of(PlannedLayout plan) => plan.Stages[0];
        Assert.InRange(Of(zero).Moments, Of(one).Moments / 4, Of(one).Moments / 4 + 8);
        Assert.Equal(Of(one).Weights, Of(zero).Weights);
        Assert.True(Of(again).Activations < Of(one).Activations / 5);
        Assert.True(again.Seconds!.Compute > one.Seconds!.Compute * 1.2);
        Assert.InRange((double)Of(cut).Master / Of(one).Master, 0.24, 0.26);
        Assert.Equal(4, pipelined.Stages.Count);
        Assert.Equal(0, one.Seconds.Bubble);
        Assert.True(pipelined.Seconds!.Bubble > 0);
        Assert.True(cut.Traffic!.TensorSums.NodeBytes > 0 && one.Traffic!.TensorSums.NodeBytes == 0);
        Assert.True(zero.Traffic!.Weights.NodeBytes > 0);
        Assert.True(pipelined.Traffic!.Pipeline.NodeBytes + pipelined.Traffic.Pipeline.LinkBytes > 0);
        Assert.Equal(one.Seconds.Kinds.Sum(kind => kind.Seconds), one.Seconds.Step, 9);
    }

    [Fact]
    public void Split_activations_save_memory_for_gathers_and_are_asked_for_only_where_it_does_not_suffice()
    {
        var request = Request("llama2-70b");
        var search = new LayoutSearch(request);
        foreach (var recompute in new[] { false, true })
        {
            PlannedLayout whole = search.Evaluate(8, 1, 8, 8, 1, recompute), split = search.Evaluate(8, 1, 8, 8, 1, recompute, split: true);
            Assert.InRange((double)split.Stages[0].Activations / whole.Stages[0].Activations, recompute ? 0.11 : 0.4, recompute ? 0.13 : 0.46);
            // The first or last stage's: on top of 5 sums of two rounds, or 4, in each of 10 layers, one more sum and a neighbour's gather: one or two gathers a layer.
            Assert.Equal(recompute ? (103 + 10) / 103.0 : (83 + 20) / 83.0, split.Traffic!.TensorSums.NodeBytes / whole.Traffic!.TensorSums.NodeBytes, 3);
            Assert.Equal(whole.Traffic.Pipeline, split.Traffic.Pipeline);
            Assert.True(split.Seconds!.Step > whole.Seconds!.Step);
        }
        // Its one neighbour gets every row once, an eighth of them from each rank.
        var stream = 2.0 * request.SlotTokens * request.Config.HiddenSize;
        Assert.Equal(32 * stream / 8, search.Evaluate(8, 1, 8, 8, 1, false).Traffic!.Pipeline.LinkBytes, 0);

        var all = search.All(64);
        Assert.Contains(all, plan => plan is { SplitActivations: true, Fits: true });
        foreach (var plan in all.Where(plan => plan.SplitActivations))
            Assert.False(all.Single(other => !other.SplitActivations && Cut(other) == Cut(plan)).Fits);
        Assert.Contains(("parallel.split_activations", "true"), all.First(plan => plan.SplitActivations).Keys);

        static (int, int, int, int, bool) Cut(PlannedLayout plan) => (plan.Data, plan.Tensor, plan.Pipeline, plan.Zero, plan.Recompute);
    }

    [Fact]
    public void A_GPU_keeps_what_it_computes_with_and_the_host_the_rest_with_a_limit_of_its_own()
    {
        var request = Request("llama2-7b");
        var plan = new LayoutSearch(request).Evaluate(4, 4, 2, 1, 2, true);
        var memory = plan.Memory!;
        Assert.Equal((memory.Device, memory.Host), (plan.DeviceBytes, plan.HostBytes));
        Assert.True(memory.Kinds.Single(use => use.Kind == "fp32 master").OnHost && !memory.Kinds.Single(use => use.Kind == "gradients").OnHost);
        Assert.True(plan.Fits, plan.Reason);
        Assert.Contains("of host memory", new LayoutSearch(request with { Rates = request.Rates with { HostBytes = plan.HostBytes - 1 } }).Evaluate(4, 4, 2, 1, 2, true).Reason);
        Assert.True(plan.Seconds!.Bus > 0);
        // Sums that go through host memory cost two copies each.
        Assert.True(new LayoutSearch(request with { Transport = RankTransport.Auto }).Evaluate(4, 4, 2, 1, 2, true).Seconds!.Bus > plan.Seconds.Bus);

        var processor = new LayoutSearch(request with { Rates = DeviceRates.Processor(1L << 40, 1e11) }).Evaluate(4, 4, 2, 1, 2, true);
        Assert.Equal((0, 0), (processor.HostBytes, processor.Seconds!.Bus));
        Assert.Equal(processor.DeviceBytes, processor.Memory!.Kinds.Sum(use => use.Bytes));
    }

    [Theory]
    [InlineData("80GiB", 80.0 * (1L << 30))]
    [InlineData("200 GB/s", 200e9)]
    [InlineData("400Gbit/s", 50e9)]
    [InlineData("150T", 150e12)]
    [InlineData("1.5e12", 1.5e12)]
    [InlineData("2k", 2000)]
    [InlineData("80B", 80)]
    [InlineData("1048576", 1048576)]
    public void Quantities_have_units(string text, double value) => Assert.Equal(value, Quantity.Parse("--x", text));

    [Theory]
    [InlineData("")]
    [InlineData("-3")]
    [InlineData("0")]
    [InlineData("many")]
    [InlineData("3 apples")]
    [InlineData("1e999")]
    [InlineData("80")]
    [InlineData("0.5")]
    [InlineData("1048575")]
    public void What_is_no_quantity_is_refused(string text) => Assert.Throws<Tulu2.Files.BadInputException>(() => Quantity.Parse("--x", text));

    private static PlanRequest Request(string preset) => new(
        ModelPresets.Get(preset),
        new Recipe { Objective = Objective.Dpo, Batch = new BatchRecipe { Global = 32, Slot = 1 }, Data = new DataRecipe { MaxLength = 8192 } },
        4, MayChangeShards: true, RanksPerNode: 8, Length: 1024, DeviceRates.AssumedGpu(Precision.Bf16))
    {
        Transport = RankTransport.Nccl,
    };
}
