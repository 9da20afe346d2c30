using Tulu2.Models.Decoder;
using Tulu2.Models.Parameters;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder;

/// <summary>A model of which only some matrices are trained.</summary>
public sealed class TrainedPartTests
{
    [Theory]
    [InlineData(ScalarType.Float32, false)]
    [InlineData(ScalarType.BFloat16, true)]
    public void Trained_matrices_get_the_gradient_of_full_fine_tuning_and_others_none(ScalarType type, bool recompute)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(layers: 3);
        var read = new ParameterMap(config, 4);
        var trained = new ParameterMap(
            config, [.. config.Family.Tensors(config).Where(tensor => tensor.Layer == 1 || tensor.Matrix.EndsWith(".o", StringComparison.Ordinal))], 4);
        Assert.InRange(trained.Length, 1, read.Length / 2);
        using var weights = TinyModel.Weights(read, type);
        using DecoderModel full = new(read, weights, recompute), part = new(new ModelParameters(read, trained), weights, recompute);
        var batch = TinyModel.Batch([70, 33, 130]);
        var ((expected, expectedGradient), (actual, actualGradient)) = (TinyModel.Run(full, batch), TinyModel.Run(part, batch));
        Assert.Equal(TinyModel.Hash(expected), TinyModel.Hash(actual));
        Assert.Equal(trained.Length, actualGradient.numel());
        foreach (var matrix in trained.Matrices)
        {
            var whole = expectedGradient.narrow(0, read[matrix.Key].Offset, matrix.Length);
            Assert.Equal(TinyModel.Hash(whole), TinyModel.Hash(actualGradient.narrow(0, matrix.Offset, matrix.Length)));
        }
    }

    [Fact]
    public void The_gradient_is_reported_final_from_the_last_trained_layer_down()
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(layers: 3);
        var read = new ParameterMap(config, 4);
        var trained = new ParameterMap(config, [.. config.Family.Tensors(config).Where(tensor => tensor.Layer is 0 or 2)], 4);
        using var weights = TinyModel.Weights(read);
        using var model = new DecoderModel(new ModelParameters(read, trained), weights);
        var batch = TinyModel.Batch([40]);
        using var activations = model.Forward(batch, keep: true);
        var reported = new List<long>();
        model.Backward(activations, TinyModel.Coefficients(batch), zeros([trained.Length]), reported.Add);
        Assert.Equal([trained.Length, trained["2.norm1"].Offset, 0], reported.Distinct());
        Assert.Equal(reported.OrderDescending(), reported);
    }
}
