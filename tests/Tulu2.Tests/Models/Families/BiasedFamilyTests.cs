using System.Text.Json.Nodes;
using TorchSharp;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Decoder;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Tulu2.Tests.Data;
using Tulu2.Tests.Models.Decoder;
using Tulu2.Tests.Models.Decoder.Parallel;
using Tulu2.Tests.Models.HuggingFace;
using Tulu2.Tests.Training.Runs;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Recipes;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Families;

/// <summary>A second family, with biases, from its descriptor alone: gradients, bits on any layout, files, generation.</summary>
public sealed class BiasedFamilyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Every_weight_s_and_bias_s_gradient_is_that_of_autograd(int shards)
    {
        using var scope = NewDisposeScope();
        var config = new BiasedConfig(TinyModel.Config());
        var map = new ParameterMap(config, shards);
        var batch = TinyModel.Batch([70, 33, 200, 33, 2, 150]);
        var (logProbabilities, gradient) = TinyModel.Run(config, shards, batch);
        using var oracle = new AutogradLlama(map, TinyModel.Weights(map));
        var (expected, expectedGradient) = oracle.Run(batch, TinyModel.Coefficients(batch));
        Assert.InRange(TinyModel.Difference(logProbabilities, expected), 0, 2e-6);
        Assert.Equal(8, map.Matrices.Count(matrix => matrix.Key.EndsWith(".bias", StringComparison.Ordinal)));
        foreach (var matrix in map.Matrices)
        {
            Tensor Of(Tensor flat) => flat.narrow(0, matrix.Offset, matrix.Length);
            // The softmax does not see what is added to all keys, so that their bias has a gradient of rounding errors.
            if (matrix.Key.EndsWith("qkv.bias", StringComparison.Ordinal)) Assert.InRange((Of(gradient) - Of(expectedGradient)).abs().max().ToDouble(), 0, 1e-4);
            else Assert.True(TinyModel.Difference(Of(gradient), Of(expectedGradient)) < 1e-5, matrix.Key);
        }
    }

    [Theory]
    [InlineData(2, 1, ScalarType.Float32, false, false)]
    [InlineData(4, 1, ScalarType.BFloat16, true, false)]
    [InlineData(4, 3, ScalarType.Float32, false, true)]
    [InlineData(2, 2, ScalarType.BFloat16, false, false)]
    public void Ranks_that_share_a_model_give_its_log_probabilities_and_gradients(int tensor, int pipeline, ScalarType type, bool recompute, bool split)
    {
        using var scope = NewDisposeScope();
        var config = new BiasedConfig(TinyModel.Config(layers: 3));
        var batches = new[] { TinyModel.Batch([100]), TinyModel.Batch([70, 33, 130, 33], seed: 3), TinyModel.Batch([3], drop: 0) };
        using var weights = TinyModel.Weights(new ParameterMap(config, 4), type);
        PartEqualityTests.Same(PartRun.Whole(config, 4, weights, batches), PartRun.Parts(config, 4, tensor, pipeline, weights, batches, recompute, split: split));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 2e-6)]
    [InlineData(ScalarType.BFloat16, 0.05)]
    public void A_step_of_tensor_operations_is_near_one_of_vector_code(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var config = new BiasedConfig(TinyModel.Config(tied: true));
        var map = new ParameterMap(config, 4);
        var weights = TinyModel.Weights(map, type);
        using var model = new DecoderModel(map, weights);
        using var other = new DecoderModel(map, weights, false, AllShardsHere.Instance, new TorchKernels(new HeadGeometry(config, 4), new RotaryTable(16, 10000, 8)));
        var batch = TinyModel.Batch([70, 33, 200, 33]);
        var ((expected, expectedGradient), (actual, actualGradient)) = (TinyModel.Run(model, batch), TinyModel.Run(other, batch));
        Assert.InRange(TinyModel.Difference(actual, expected), 0, tolerance);
        Assert.InRange(((actualGradient - expectedGradient).norm() / expectedGradient.norm()).ToDouble(), 0, tolerance);
    }

    [Fact]
    public void Training_ends_with_the_parameters_of_one_rank_wherever_ranks_stand()
    {
        const int steps = 3;
        var settings = LayoutRun.Settings(Objective.Sft, Precision.Bf16, steps, config: new BiasedConfig(LayoutRun.Config));
        using var one = new TestSupervisor(settings, 1);
        var hash = one.Run(steps);
        foreach (var layout in (ParallelLayout[])[new(2), new(1, tensor: 4), new(2, tensor: 2, zero: 2), new(1, tensor: 2, pipeline: 2), new(3, zero: 3)])
        {
            using var many = new TestSupervisor(settings, layout);
            Assert.Equal(hash, many.Run(steps));
        }
    }

    [Fact]
    public void Its_directory_is_written_and_read_by_the_family_s_name()
    {
        BiasedFamily.Register();
        var config = new BiasedConfig(SmallCheckpoint.Config);
        var directory = _folder.File("model");
        SmallCheckpoint.Export(directory, config);
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(directory, "config.json")))!;
        Assert.Equal(("biased", "BiasedForCausalLM"), ((string)json["model_type"]!, (string)json["architectures"]![0]!));
        Assert.Equal(config, HuggingFaceModel.ReadConfig(directory));
        Assert.Empty(HuggingFaceModel.CheckWeights(directory, config));
        var tensors = SmallCheckpoint.Read(directory, shards: 2);
        Assert.Equal(32, tensors["model.layers.1.self_attn.q_proj.bias"].Length);
        Assert.Equal(HuggingFaceTensors.Of(config).Select(tensor => tensor.Name).Order(), tensors.Keys.Order());
        foreach (var (name, shape) in HuggingFaceTensors.Of(config))
        {
            var expected = new float[shape.Aggregate((product, size) => product * size)];
            unsafe
            {
                fixed (float* address = expected) SmallCheckpoint.Fill(name, shape, (nint)address);
            }
            Assert.Equal(expected, tensors[name]);
        }
    }

    [Fact]
    public unsafe void Random_biases_begin_with_zero_and_everything_else_as_without_them()
    {
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        ParameterMap plain = new(TinyModel.Config(), 4), biased = new(new BiasedConfig(TinyModel.Config()), 4);
        Tensor without = zeros([plain.Length]), with = zeros([biased.Length]);
        RandomWeights.Fill(plain, 3, (nint)Aten.Address<float>(without));
        RandomWeights.Fill(biased, 3, (nint)Aten.Address<float>(with));
        foreach (var matrix in biased.Matrices)
        {
            var expected = plain.Find(matrix.Key) is { } same ? without.narrow(0, same.Offset, same.Length) : zeros([matrix.Length]);
            Assert.Equal(TinyModel.Hash(expected), TinyModel.Hash(with.narrow(0, matrix.Offset, matrix.Length)));
        }
    }
}
