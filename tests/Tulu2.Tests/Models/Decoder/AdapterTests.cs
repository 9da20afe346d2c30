using TorchSharp;
using Tulu2.Models.Decoder;
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Tests.Models.Decoder.Parallel;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder;

/// <summary>Low-rank adapters beside a frozen model.</summary>
public sealed class AdapterTests
{
    public static TheoryData<int, int, double, string?, bool> Shapes => new()
    {
        // shards, rank, dropout, targets, rank-stabilised
        { 1, 8, 0, null, false },
        { 4, 16, 0, null, false },
        { 4, 3, 0.3, null, true },
        { 2, 1, 0.1, "v_proj,down_proj", false },
        { 4, 20, 0.5, "q_proj,up_proj,o_proj", false },
        { 1, 64, 0.1, "k_proj", true },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Their_gradient_is_that_of_autograd(int shards, int rank, double dropout, string? targets, bool stabilized)
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters(shards, Settings(rank, targets?.Split(',')) with { Alpha = stabilized ? 2 : 16, Dropout = dropout, IsRankStabilized = stabilized });
        var weights = Weights(parameters);
        var batch = TinyModel.Batch([70, 33, 200, 33, 2, 150]);
        using var model = new DecoderModel(parameters, weights);
        var (logProbabilities, gradient) = TinyModel.Run(model, batch);

        var adapters = new AutogradLlama.Adapters(parameters.Trained, weights.Adapters, parameters.Adapter!, dropout == 0 ? null : Factors(parameters, batch));
        using var oracle = new AutogradLlama(parameters.Read, weights.Read, adapters);
        var (expected, expectedGradient) = oracle.Run(batch, TinyModel.Coefficients(batch));
        Assert.InRange(TinyModel.Difference(logProbabilities, expected), 0, 1e-5);
        foreach (var matrix in parameters.Trained.Matrices)
        {
            Tensor Of(Tensor flat) => flat.narrow(0, matrix.Offset, matrix.Length);
            var difference = TinyModel.Difference(Of(gradient), Of(expectedGradient));
            Assert.True(difference < 2e-5, $"{matrix.Key}: {difference}");
        }
    }

    [Fact]
    public void A_frozen_pass_is_the_model_without_them_to_the_last_bit()
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters(4, Settings(8));
        var weights = Weights(parameters);
        var batch = TinyModel.Batch([70, 33, 200]);
        using DecoderModel adapted = new(parameters, weights), frozen = new(parameters.Read, weights.Read);
        float[] Of(DecoderModel model, bool frozenOnly)
        {
            using var activations = model.Forward(batch, keep: false, frozenOnly: frozenOnly);
            return model.LogProbabilities(activations).data<float>().ToArray();
        }
        Assert.Equal(Of(frozen, false), Of(adapted, true));
        Assert.NotEqual(Of(frozen, false), Of(adapted, false));
    }

    [Fact]
    public void A_quantised_model_reads_only_what_is_not_quantised_and_computes_as_the_restored_one()
    {
        using var scope = NewDisposeScope();
        var whole = new ParameterMap(TinyModel.Config(layers: 3), 4);
        var parameters = ModelParameters.Adapted(whole, Settings(8), quantized: true);
        string[] names = [.. parameters.Read.Tensors.Select(tensor => tensor.Name)], linears = [.. parameters.Quantized!.Tensors.Select(tensor => tensor.Name)];
        Assert.Empty(names.Intersect(linears));
        Assert.Equal(whole.Tensors.Select(tensor => tensor.Name).Order(), names.Concat(linears).Order());
        Assert.All(linears, name => Assert.EndsWith("_proj.weight", name, StringComparison.Ordinal));
        var weights = Weights(parameters) with { Quantized = TinyModel.Quantized(parameters) };
        // The same model with its matrices restored.
        var restored = TinyModel.Weights(whole);
        foreach (var matrix in parameters.Read.Matrices) weights.Read.narrow(0, matrix.Offset, matrix.Length).copy_(restored.narrow(0, whole[matrix.Key].Offset, matrix.Length));
        foreach (var matrix in parameters.Quantized.Matrices)
        {
            var weight_OI = empty([matrix.Rows, matrix.Columns]);
            weights.Quantized[matrix.Key].Restore(weight_OI);
            restored.narrow(0, whole[matrix.Key].Offset, matrix.Length).copy_(weight_OI.flatten());
        }
        var batch = TinyModel.Batch([70, 33, 200]);
        using DecoderModel quantized = new(parameters, weights), plain = new(ModelParameters.Adapted(whole, Settings(8)), new ModelWeights(restored) { Adapters = weights.Adapters });
        var ((expected, expectedGradient), (actual, actualGradient)) = (TinyModel.Run(plain, batch), TinyModel.Run(quantized, batch));
        Assert.Equal(TinyModel.Hash(expected), TinyModel.Hash(actual));
        Assert.Equal(TinyModel.Hash(expectedGradient), TinyModel.Hash(actualGradient));
    }

    [Theory]
    [InlineData(1, ScalarType.Float32)]
    [InlineData(2, ScalarType.BFloat16)]
    [InlineData(4, ScalarType.BFloat16)]
    public void A_device_restores_the_bits_of_the_host(int tensor, ScalarType type)
    {
        using var scope = NewDisposeScope();
        // Parts with blocks of their own and parts without: a width of 192 is cut into 96 and 48.
        var config = TinyModel.Config(heads: 16, headSize: 16, layers: 1);
        var whole = ModelParameters.Adapted(new ParameterMap(config, 4), Settings(8), quantized: true);
        for (var index = 0; index < tensor; index++)
        {
            var part = whole.Of(new ModelPart(index, tensor, 0, 1));
            var (host, device) = (TinyModel.Quantized(part), TinyModel.Quantized(part, CPU));
            foreach (var (key, matrix) in host)
            {
                Tensor expected = empty([matrix.Rows, matrix.Columns], type), actual = empty_like(expected);
                matrix.Restore(expected);
                device[key].Restore(actual);
                Assert.True(TinyModel.Hash(expected) == TinyModel.Hash(actual), key);
                ((IDisposable)device[key]).Dispose();
            }
        }
    }

    [Fact]
    public void Those_whose_B_is_zero_change_no_bit_of_a_score()
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters(4, Settings(8));
        ModelWeights weights = TinyModel.Weights(parameters.Read);
        weights = weights with { Adapters = zeros([parameters.Trained.Length]) };
        var batch = TinyModel.Batch([70, 33, 200]);
        using DecoderModel adapted = new(parameters, weights), frozen = new(parameters.Read, weights.Read);
        Assert.Equal(TinyModel.LogProbabilities(frozen, batch), TinyModel.LogProbabilities(adapted, batch));
    }

    public static TheoryData<int, int, ScalarType, int, bool, bool> Cuts
    {
        get
        {
            var cuts = new TheoryData<int, int, ScalarType, int, bool, bool>();
            foreach (var type in (ScalarType[])[ScalarType.Float32, ScalarType.BFloat16])
                foreach (var rank in (int[])[1, 5, 16, 24])
                    foreach (var (tensor, pipeline, recompute, split) in ((int, int, bool, bool)[])[(2, 1, false, false), (4, 1, true, true), (1, 3, true, false), (2, 2, false, true)])
                        cuts.Add(tensor, pipeline, type, rank, recompute, split);
            return cuts;
        }
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Ranks_that_share_a_model_give_their_gradients_to_the_last_bit(int tensor, int pipeline, ScalarType type, int rank, bool recompute, bool split)
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters(4, Settings(rank, rank == 5 ? ["q_proj", "v_proj", "down_proj"] : null) with { Dropout = 0.1, Seed = 3 }, layers: 3);
        var weights = Weights(parameters, type);
        var batches = new[] { TinyModel.Batch([100]), TinyModel.Batch([70, 33, 130, 33], seed: 3), TinyModel.Batch([3], drop: 0) };
        PartEqualityTests.Same(PartRun.Whole(parameters, weights, batches), PartRun.Parts(parameters, weights, tensor, pipeline, batches, recompute, split: split));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 16)]
    [InlineData(ScalarType.BFloat16, 16)]
    [InlineData(ScalarType.Float32, 37)]
    [InlineData(ScalarType.BFloat16, 96)]
    public void Both_sets_of_kernels_drop_the_same_elements(ScalarType type, int width)
    {
        using var scope = NewDisposeScope();
        var heads = new HeadGeometry(TinyModel.Config(), 4);
        var rotary = new RotaryTable(16, 10000, 8);
        var mask = new DropoutMask([.. Enumerable.Range(0, 20).Select(row => (ulong)row * 0x123456789ABCDEF)], 0xFEDCBA9876543210, 0.3, 1000);
        var input = rand([20, width + 16]).to_type(type).narrow(1, 8, width);
        Tensor one = empty([20, width], type), other = empty_like(one), target = rand([20, 2 * width]).to_type(type), sum = target.clone();
        BlockKernels host = BlockKernels.For(type, DeviceType.CPU, heads, rotary), device = new TorchKernels(heads, rotary);
        host.Dropout(input, mask, one);
        device.Dropout(input, mask, other);
        Assert.Equal(TinyModel.Hash(one), TinyModel.Hash(other));
        host.AddColumns(one, mask, target, width);
        device.AddColumns(one, mask, sum, width);
        Assert.Equal(TinyModel.Hash(target), TinyModel.Hash(sum));
        for (var row = 0; row < 20; row++)
            for (var column = 0; column < width; column++)
                Assert.Equal(mask.Factor(row, column) == 0, one[row, column].ToSingle() == 0);
    }

    [Fact]
    public void About_the_given_share_is_dropped_and_others_in_another_step_or_layer()
    {
        var rows = Enumerable.Range(0, 500).Select(row => Tulu2.Data.SplitMix64.Mix((ulong)row)).ToArray();
        bool[] Dropped(ulong[] keys, ulong layer, double rate) =>
            [.. from row in Enumerable.Range(0, 500) from column in Enumerable.Range(0, 200) select new DropoutMask(keys, layer, rate, 0).Factor(row, column) == 0];
        foreach (var rate in (double[])[0.05, 0.1, 0.5, 0.9])
            Assert.InRange(Dropped(rows, 1, rate).Count(dropped => dropped) / 100_000.0, rate - 0.006, rate + 0.006);
        var one = Dropped(rows, 1, 0.5);
        Assert.InRange(one.Zip(Dropped(rows, 2, 0.5)).Count(pair => pair.First == pair.Second), 48_500, 51_500);
        Assert.InRange(one.Zip(Dropped([.. rows.Select(row => row + 1)], 1, 0.5)).Count(pair => pair.First == pair.Second), 48_500, 51_500);
        Assert.InRange(one.Zip(one.Skip(1)).Count(pair => pair.First == pair.Second), 48_500, 51_500);
        Assert.InRange(one.Zip(one.Skip(200)).Count(pair => pair.First == pair.Second), 48_500, 51_500);
    }

    private static AdapterSettings Settings(int rank, IReadOnlyList<string>? targets = null) => new(rank, 16, targets);

    private static ModelParameters Parameters(int shards, AdapterSettings settings, int layers = 2) =>
        ModelParameters.Adapted(new ParameterMap(TinyModel.Config(layers: layers), shards), settings);

    private static ModelWeights Weights(ModelParameters parameters, ScalarType type = ScalarType.Float32) =>
        new(TinyModel.Weights(parameters.Read, type)) { Adapters = TinyModel.Weights(parameters.Trained, type) };

    // The mask as one would write it down: by the row's key and the whole matrix's column.
    private static Func<string, int, long[], Tensor> Factors(ModelParameters parameters, Tulu2.Data.Slots.SlotBatch batch)
    {
        var keys = DropoutRows.PassOf(parameters.Adapter!, batch, batch.Ids.Length, training: true)!.RowKeys!;
        return (projection, start, shape) =>
        {
            var key = parameters.Read.Config.Family.Tensors(parameters.Config).Single(tensor => tensor.Name == $"{projection}.weight").Matrix;
            var mask = new DropoutMask(keys, Tulu2.Models.Linears.LinearFactory.DropoutSeed(parameters.Adapter!.Seed, key), parameters.Adapter.Dropout, 0);
            var factors = new float[shape[0] * shape[1]];
            for (var row = 0; row < shape[0]; row++)
                for (var column = 0; column < shape[1]; column++) factors[row * shape[1] + column] = mask.Factor(start + row, column);
            return tensor(factors).view(shape);
        };
    }
}
