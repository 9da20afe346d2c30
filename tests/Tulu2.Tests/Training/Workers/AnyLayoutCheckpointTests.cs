using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Parameters;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Tests.Data;
using Tulu2.Tests.Models.Families;
using Tulu2.Tests.Training.Runs;
using Tulu2.Training.Recipes;
using Tulu2.Training.State;
using Xunit;

namespace Tulu2.Tests.Training.Workers;

/// <summary>What any layout writes, any other one reads: each layout writes, and each reads, in a quarter of the pairs, or with <c>TULU2_SWEEP_STEPS</c> in all of them.</summary>
public sealed class AnyLayoutCheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_layout_loads_what_every_layout_has_saved(bool biased)
    {
        var model = biased ? new ParameterMap(new BiasedConfig(LayoutRun.Config), 4) : new ParameterMap(LayoutRun.Config, 4);
        var layouts = LayoutRun.All.Where(layout => !biased || layout.Size is 1 or 4).ToArray();
        // Many ranks of many layouts hold the same; each thing that can be held is filled, and read, once.
        var held = new Dictionary<(ModelPart, ElementRange), (RankPart Part, ReplicaState State)>();
        var parts = layouts.ToDictionary(layout => layout, layout => Enumerable.Range(0, layout.Size).Select(rank => new RankPart(model, layout, rank)).ToArray());
        try
        {
            foreach (var part in parts.Values.SelectMany(parts => parts))
                if (held.TryAdd(Key(part), (part, StateOf(part)))) Fill(held[Key(part)].State);
            foreach (var (index, writing) in layouts.Index())
            {
                var store = new CheckpointStore(Path.Combine(_folder.Root, $"{writing}"));
                var shards = new List<ShardEntry>();
                for (var rank = 0; rank < writing.Size; rank++)
                {
                    var part = parts[writing][rank];
                    using var writer = new SnapshotWriter(store, report => shards.Add(Assert.IsType<WorkerReport.ShardWritten>(report).Shard));
                    writer.Take(held[Key(part)].State, new Rank(rank), part.SnapshotShare(writing.Twins(rank).ToList().IndexOf(rank), writing.Twins(rank).Count), TimeSpan.Zero);
                }
                Assert.Equal(writing.Size, shards.Count);
                var manifest = store.WriteManifest(new Manifest(3, 4, "recipe", shards, new Dictionary<string, string>()));
                foreach (var (number, (part, expected)) in held.Values.Index())
                {
                    if (!LayoutTests.IsSweep && (index + number) % 4 > 0) continue;
                    using var state = StateOf(part);
                    StateTransfers.Load(store, manifest, state);
                    Assert.Equal(3, state.Step);
                    foreach (var ((kind, actual), (_, wanted)) in state.Buffers().Zip(expected.Buffers()))
                    {
                        // Held: a tensor that nobody refers to may be freed while the library reads it.
                        using var same = actual.equal(wanted);
                        using var all = same.all();
                        Assert.True(all.item<bool>(), $"{writing} wrote, {part.Trained.Part} of {part.Range} read: {kind}");
                    }
                }
            }
        }
        finally
        {
            foreach (var (_, state) in held.Values) state.Dispose();
        }
    }

    [Theory]
    [InlineData(Objective.Sft, Precision.Fp32)]
    [InlineData(Objective.Dpo, Precision.Bf16)]
    public void A_run_goes_on_under_another_layout_with_the_same_bits(Objective objective, Precision precision)
    {
        ParallelLayout[] layouts = [new(1), new(3, zero: 3), new(1, tensor: 4), new(2, 1, 2)];
        string expected;
        using (var undisturbed = new TestSupervisor(LayoutRun.Settings(objective, precision, 3), 1)) expected = undisturbed.Run(3);
        foreach (var writing in layouts)
        {
            var settings = LayoutRun.Settings(objective, precision, 3, Path.Combine(_folder.Root, $"{writing}"));
            using var first = new TestSupervisor(settings, writing);
            first.Run(1, checkpoint: true);
            foreach (var reading in layouts)
            {
                using var second = new TestSupervisor(settings, reading);
                Assert.Equal(expected, second.Run(3, first.Checkpoint));
            }
        }
    }

    private static (ModelPart, ElementRange) Key(RankPart part) => (part.Trained.Part, part.Range);

    private static ReplicaState StateOf(RankPart part) => new(part.Parameters, Precision.Bf16, part.Range);

    // Each element's value is a function of what it is and where it stands in its whole tensor.
    private static unsafe void Fill(ReplicaState state)
    {
        foreach (var block in state.Blocks())
        {
            var slice = block.Slice;
            var name = slice.Name.Sum(letter => letter * 31) % 1000 + 1000 * (int)block.Kind;
            var width = slice.Size[^1];
            for (var row = 0L; row < slice.Length / width; row++)
                for (var column = 0L; column < width; column++)
                {
                    var index = ((slice.Shape.Length == 1 ? 0 : slice.Begin[0]) + row) * slice.Shape[^1] + slice.Begin[^1] + column;
                    *((float*)block.Address + row * block.RowStride + column) = name + index / 8192f;
                }
        }
    }
}
