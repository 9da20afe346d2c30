using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder;

/// <summary>Alone, because MKL's number of threads is the whole process's: products of a few rows in other tests would be cut in two.</summary>
[CollectionDefinition(nameof(IntraOpThreadTests), DisableParallelization = true)]
[Collection(nameof(IntraOpThreadTests))]
public sealed class IntraOpThreadTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Intra_op_threads_change_nothing(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var batch = TinyModel.Batch([90, 40, 130, 40, 17, 300]);
        string[] Hashes(int threads)
        {
            set_num_threads(threads);
            try
            {
                var (logProbabilities, gradient) = TinyModel.Run(TinyModel.Config(), 4, batch, type);
                return [TinyModel.Hash(logProbabilities), TinyModel.Hash(gradient)];
            }
            finally
            {
                set_num_threads(1);
            }
        }
        Assert.Equal(Hashes(1), Hashes(2));
    }
}
