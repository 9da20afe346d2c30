using Tulu2.Models.Families;

namespace Tulu2.Models.Parameters;

/// <summary>
/// The tensors of low-rank adapters, by the names that PEFT gives them. Of a column-parallel matrix B is cut like the matrix and A is whole on every
/// tensor-parallel rank; of a row-parallel one it is the other way round.
/// </summary>
internal static class AdapterTensors
{
    private const string Weight = ".weight", Wrapper = "base_model.model.";

    /// <summary>In order of the layers; of each matrix first what reads its input, then what writes its output.</summary>
    public static IReadOnlyList<ModelTensor> Of(ModelConfig config, AdapterSettings settings)
    {
        var tensors = new List<ModelTensor>();
        foreach (var matrix in config.Family.Tensors(config).Where(settings.Adapts).GroupBy(tensor => tensor.Matrix))
        {
            tensors.AddRange(matrix.Select(tensor => new ModelTensor(InputName(tensor.Name), [settings.Rank, tensor.Shape[1]],
                tensor.Role == TensorRole.RowWeight ? TensorRole.RowWeight : TensorRole.WholeMatrix, tensor.Layer, InputKey(matrix.Key))));
            tensors.AddRange(matrix.Select(tensor => new ModelTensor(OutputName(tensor.Name), [tensor.Shape[0], settings.Rank],
                tensor.Role == TensorRole.RowWeight ? TensorRole.WholeMatrix : TensorRole.ColumnWeight, tensor.Layer, OutputKey(matrix.Key))));
        }
        return tensors;
    }

    /// <summary>Key of the matrix A beside a matrix.</summary>
    public static string InputKey(string matrix) => $"{matrix}.lora_A";

    /// <summary>Key of the matrix B beside a matrix.</summary>
    public static string OutputKey(string matrix) => $"{matrix}.lora_B";

    /// <summary>PEFT's name of A beside a Hugging Face tensor.</summary>
    public static string InputName(string tensor) => $"{Wrapper}{Module(tensor)}.lora_A{Weight}";

    /// <summary>PEFT's name of B beside a Hugging Face tensor.</summary>
    public static string OutputName(string tensor) => $"{Wrapper}{Module(tensor)}.lora_B{Weight}";

    /// <summary>A tensor's name is that of an A.</summary>
    public static bool IsInput(string name) => name.EndsWith($".lora_A{Weight}", StringComparison.Ordinal);

    /// <summary>Such as <c>q_proj</c>.</summary>
    public static string ProjectionOf(ModelTensor tensor) => Module(tensor.Name)[(Module(tensor.Name).LastIndexOf('.') + 1)..];

    private static string Module(string tensor) => tensor[..^Weight.Length];
}
