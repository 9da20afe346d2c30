using Tulu2.Training.Recipes;
using static TorchSharp.torch;

namespace Tulu2.Training.State;

/// <summary>The element type that a recipe's precision computes in.</summary>
internal static class ComputeType
{
    public static ScalarType Of(Precision precision) => precision == Precision.Fp32 ? ScalarType.Float32 : ScalarType.BFloat16;
}
