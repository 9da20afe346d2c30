using System.Runtime.Intrinsics;
using TorchSharp;
using Tulu2.Models.Decoder;
using Tulu2.Models.Kernels;
using Tulu2.Models.Linears;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Tulu2.Tests.Models.Decoder;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Kernels;

/// <summary>Vector code against chains of tensor operations, and the parts that a tensor-parallel group will join.</summary>
public sealed class KernelTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 2e-6)]
    [InlineData(ScalarType.BFloat16, 0.05)]
    public void A_step_of_tensor_operations_equals_one_of_vector_code(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(tied: true);
        var layout = new ParameterMap(config, 4);
        var weights = TinyModel.Weights(layout, type);
        var batch = TinyModel.Batch([70, 33, 200, 33]);
        using var model = new DecoderModel(layout, weights);
        using var other = new DecoderModel(
            layout, weights, false, AllShardsHere.Instance, new TorchKernels(new HeadGeometry(config, 4), new RotaryTable(16, 10000, 8)));
        var (expected, expectedGradient) = TinyModel.Run(model, batch);
        var (actual, actualGradient) = TinyModel.Run(other, batch);
        Assert.InRange(TinyModel.Difference(actual, expected), 0, tolerance);
        foreach (var matrix in layout.Matrices.Reverse())
        {
            Tensor Of(Tensor flat) => flat.narrow(0, matrix.Offset, matrix.Length);
            var difference = TinyModel.Difference(Of(actualGradient), Of(expectedGradient));
            Assert.True(difference < tolerance, $"{matrix.Key}: {difference}");
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Long_segments_are_taken_some_heads_at_a_time(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(heads: 16, keyValueHeads: 8), 4);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout, type));
        var batch = TinyModel.Batch([700, 700, 40]);
        using var other = new DecoderModel(
            layout, TinyModel.Weights(layout, type), false, AllShardsHere.Instance, new TorchKernels(new HeadGeometry(layout.Config, 4), new RotaryTable(16, 10000, 8)));
        var (expected, expectedGradient) = TinyModel.Run(model, batch);
        var (actual, actualGradient) = TinyModel.Run(other, batch);
        var tolerance = type == ScalarType.Float32 ? 1e-5 : 0.05;
        Assert.InRange(TinyModel.Difference(actual, expected), 0, tolerance);
        Assert.InRange(((actualGradient - expectedGradient).norm() / expectedGradient.norm()).ToDouble(), 0, tolerance);
        Assert.Equal(TinyModel.LogProbabilities(model, TinyModel.Pick(batch, 1)), TinyModel.LogProbabilities(model, batch).Where((_, r) => batch.ScoredSegments[r] == 1));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_part_of_an_embedding_has_zeros_in_place_of_other_parts_rows_and_never_a_negative_zero(ScalarType type)
    {
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        var heads = new HeadGeometry(TinyModel.Config(), 1);
        var rotary = new RotaryTable(16, 10000, 8);
        var table = randn(4, 24).to_type(type);
        table[1].fill_(-0f);
        foreach (var kernels in (BlockKernels[])[BlockKernels.For(type, DeviceType.CPU, heads, rotary), new TorchKernels(heads, rotary)])
        {
            var rows = ones(6, 24).to_type(type);
            kernels.GatherEmbeddings(table, [13, 9, 11, 14, 10], 10, rows);
            var nothing = zeros(24).to_type(type);
            Assert.Equal(TinyModel.Hash(stack([table[3], nothing, nothing, nothing, table[0], nothing])), TinyModel.Hash(rows));
            var gradient = zeros(4, 24);
            kernels.ScatterAddRows(ones(5, 24).to_type(type), [13, 9, 13, 14, 10], 10, gradient);
            Assert.Equal([1f, 0, 0, 2], gradient.select(1, 17).data<float>().ToArray());
        }
    }

    [Fact]
    public void The_exponential_is_within_two_units_in_the_last_place()
    {
        for (var x = -87.2f; x < 88; x += 0.0137f)
            Assert.InRange(Lanes.Exp(Vector512.Create(x))[0] / Math.Exp(x), 1 - 2.4e-7, 1 + 2.4e-7);
        Assert.Equal(1, Lanes.Exp(Vector512<float>.Zero)[3]);
        Assert.Equal(0, Lanes.Exp(Vector512.Create(-100f))[3]);
        Assert.Equal(0, Lanes.Exp(Vector512.Create(float.NegativeInfinity))[3]);
        Assert.True(float.IsNaN(Lanes.Exp(Vector512.Create(float.NaN))[3]));
    }

    [Fact]
    public unsafe void Bf16_is_rounded_as_libtorch_rounds_it()
    {
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        var values = cat([randn(1600), tensor([0f, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1.00390625f, 1.01171875f, 3.4e38f, 1e-40f, -1e-40f])
            , ones(6)]);
        var expected = values.to_type(ScalarType.BFloat16);
        var actual = empty_like(expected);
        for (var i = 0; i < values.numel(); i += 16)
            BrainFloat16.Store(Aten.Address<BrainFloat16>(actual) + i, Vector512.Load(Aten.Address<float>(values) + i));
        // Any NaN will do.
        Assert.True(actual.isnan().Equals(expected.isnan()));
        Assert.True(actual.nan_to_num(0).Equals(expected.nan_to_num(0)));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 2)]
    [InlineData(ScalarType.BFloat16, 2)]
    [InlineData(ScalarType.Float32, 4)]
    [InlineData(ScalarType.BFloat16, 4)]
    public void Ranks_that_hold_some_of_the_shards_reach_the_same_bits_through_the_tree(ScalarType type, int ranks)
    {
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        const int shards = 4;
        var config = TinyModel.Config();
        var kernels = BlockKernels.For(type, DeviceType.CPU, new HeadGeometry(config, shards), new RotaryTable(16, 10000, 8));
        using var workspace = new Workspace(type, CPU);
        Tensor weight = randn(64, 192).to_type(type), x = randn(50, 192).to_type(type), residual = randn(50, 64).to_type(type);
        Tensor up = randn(192, 64).to_type(type), gradient = randn(50, 192).to_type(type);

        Tensor whole = empty_like(residual), wholeGradient = empty_like(residual);
        using (var linear = new RowLinear(new(weight.alias()), new(shards, kernels, AllShardsHere.Instance))) linear.Forward(x, residual, whole, workspace);
        using (var linear = new ColumnLinear(new(up.alias()), new(shards, kernels, AllShardsHere.Instance))) linear.InputGradient(gradient, wholeGradient, workspace);

        var width = 192 / ranks;
        Captured captured = new(), capturedGradient = new();
        for (var rank = 0; rank < ranks; rank++)
        {
            using var row = new RowLinear(new(weight.narrow(1, rank * width, width)), new(shards / ranks, kernels, captured));
            row.Forward(x.narrow(1, rank * width, width), residual, empty_like(residual), workspace);
            using var column = new ColumnLinear(new(up.narrow(0, rank * width, width)), new(shards / ranks, kernels, capturedGradient));
            column.InputGradient(gradient.narrow(1, rank * width, width), empty_like(residual), workspace);
        }
        Assert.Equal(TinyModel.Hash(whole), TinyModel.Hash(captured.Tree() + residual));
        Assert.Equal(TinyModel.Hash(wholeGradient), TinyModel.Hash(capturedGradient.Tree()));
    }

    private sealed class Captured : IShardSum
    {
        private readonly List<Tensor> _parts = [];

        public bool Alone => false;

        public void Sum(Tensor partial) => _parts.Add(partial.clone().MoveToOuterDisposeScope());

        public void Max(Tensor partial) { }

        public void GatherRows(Tensor rows) { }

        public Tensor Tree()
        {
            var nodes = _parts.ToArray();
            for (var count = nodes.Length; count > 1; count /= 2)
                for (var v = 0; v < count / 2; v++)
                    nodes[v] = nodes[2 * v] + nodes[2 * v + 1];
            return nodes[0];
        }
    }
}
