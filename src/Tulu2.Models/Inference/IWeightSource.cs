using Tulu2.Models.Families;
using Tulu2.Models.Quantization;

namespace Tulu2.Models.Inference;

/// <summary>Where the weights of an inference model come from, tensor by tensor.</summary>
internal unsafe interface IWeightSource : IDisposable
{
    ModelConfig Config { get; }

    /// <summary>How a matrix is to be held.</summary>
    WeightForm FormOf(ModelTensor tensor);

    /// <summary>Reads whole rows in fp32 (of a vector: elements).</summary>
    void Read(ModelTensor tensor, long first, int rows, float* target);

    /// <summary>A tensor that is held in 4 bits.</summary>
    Nf4Tensor ReadQuantized(ModelTensor tensor);
}
