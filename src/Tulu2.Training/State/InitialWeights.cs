using System.Runtime.InteropServices;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Models.Quantization;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.State;

/// <summary>The weights that a recipe starts from: read from files, or a function of the seed.</summary>
internal static class InitialWeights
{
    /// <param name="destination">Address of <c>map.Length</c> zeroed floats.</param>
    public static void Fill(Recipe recipe, ParameterMap map, nint destination)
    {
        if (recipe.Model.Path is { } path) HuggingFaceModel.ReadWeights(path, map, destination);
        else RandomWeights.Fill(map, recipe.Seed, destination);
    }

    /// <summary>Hands over linear layers in 4 bits, as the files hold them or quantised from their values, one at a time.</summary>
    /// <param name="names">Hugging Face names.</param>
    public static unsafe void Quantize(Recipe recipe, ModelConfig config, IEnumerable<string> names, Action<string, Nf4Tensor> take)
    {
        var doubleQuant = recipe.Lora is { DoubleQuant: true };
        if (recipe.Model.Path is { } path)
        {
            HuggingFaceModel.ReadQuantized(path, config, names, doubleQuant, take);
            return;
        }
        foreach (var name in names)
        {
            var map = ParameterMap.OfTensor(config, name);
            var values = (nint)NativeMemory.AllocZeroed((nuint)map.Length, sizeof(float));
            try
            {
                RandomWeights.Fill(map, recipe.Seed, values);
                var shape = map.Tensors[0].Shape;
                take(name, Nf4.Quantize(name, shape[0], shape[1], values, doubleQuant));
            }
            finally
            {
                NativeMemory.Free((void*)values);
            }
        }
    }

    /// <param name="destination">Address of <c>map.Length</c> zeroed floats.</param>
    public static void FillAdapters(Recipe recipe, ParameterMap map, nint destination)
    {
        if (recipe.Lora?.Adapter is { } path) AdapterFolder.ReadWeights(path, map, destination);
        else RandomWeights.FillAdapters(map, recipe.Seed, destination);
    }
}
