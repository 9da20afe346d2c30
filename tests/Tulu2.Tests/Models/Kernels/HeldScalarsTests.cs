using Tulu2.Models.Decoder;
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Tulu2.Tests.Models.Decoder;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Kernels;

/// <summary>
/// A scalar that nobody holds is freed as soon as it is collected, also in the middle of the operation that reads it (<c>HeldScalars</c>). Not parallel: other tests
/// make tensors and scalars that nobody holds.
/// </summary>
[Collection(nameof(HeldScalarsTests))]
[CollectionDefinition(nameof(HeldScalarsTests), DisableParallelization = true)]
public class HeldScalarsTests
{
    [Fact]
    public void Numbers_are_the_same_while_memory_is_collected_all_the_time()
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(heads: 4, keyValueHeads: 4), 4);
        using var model = new DecoderModel(
            layout, TinyModel.Weights(layout, ScalarType.BFloat16), false, AllShardsHere.Instance, new TorchKernels(new HeadGeometry(layout.Config, 4), new RotaryTable(16, 10000, 8)));
        var batch = TinyModel.Batch([3, 2]);
        var expected = Once();
        var over = false;
        var collecting = new Thread(() =>
        {
            while (!Volatile.Read(ref over))
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        collecting.Start();
        try
        {
            for (var round = 0; round < 60; round++) Assert.Equal(expected, Once());
        }
        finally
        {
            Volatile.Write(ref over, true);
            collecting.Join();
        }

        string Once()
        {
            using var inner = NewDisposeScope();
            var (logProbabilities, gradient) = TinyModel.Run(model, batch);
            return $"{TinyModel.Hash(logProbabilities)} {TinyModel.Hash(gradient)}";
        }
    }
}
