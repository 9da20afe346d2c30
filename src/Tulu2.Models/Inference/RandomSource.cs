using System.Runtime.InteropServices;
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;
using Tulu2.Models.Quantization;

namespace Tulu2.Models.Inference;

/// <summary>The random weights that training begins with (<see cref="RandomWeights"/>).</summary>
internal sealed unsafe class RandomSource(ModelConfig config, int seed, InferenceForm form) : IWeightSource
{
    public ModelConfig Config => config;

    public WeightForm FormOf(ModelTensor tensor) => form switch
    {
        InferenceForm.Nf4 => tensor.IsLinear && tensor.Shape[1] % Nf4.Block == 0 ? WeightForm.Nf4 : WeightForm.Brain,
        InferenceForm.Brain => WeightForm.Brain,
        _ => WeightForm.Single,
    };

    public void Read(ModelTensor tensor, long first, int rows, float* target)
    {
        var (initial, width) = (config.Family.Initial(tensor.Role), tensor.Shape.Length == 1 ? 1 : tensor.Shape[1]);
        var values = new Span<float>(target, checked((int)(rows * width)));
        if (initial == InitialValue.Normal)
        {
            var key = RandomWeights.Key(seed, tensor.Name);
            for (var index = 0; index < values.Length; index++)
                values[index] = (float)(config.InitializerRange * RandomWeights.Normal(key, (ulong)(first * width + index)));
        }
        else values.Fill(initial == InitialValue.One ? 1 : 0);
    }

    public Nf4Tensor ReadQuantized(ModelTensor tensor)
    {
        var values = (float*)NativeMemory.Alloc((nuint)tensor.Length, sizeof(float));
        try
        {
            Read(tensor, 0, (int)tensor.Shape[0], values);
            return Nf4.Quantize(tensor.Name, tensor.Shape[0], tensor.Shape[1], (nint)values, doubleQuant: true);
        }
        finally
        {
            NativeMemory.Free(values);
        }
    }

    public void Dispose()
    {
    }
}
