using static TorchSharp.torch;

namespace Tulu2.Models.Parameters;

/// <summary>The buffers that a model computes with. They belong to whoever made them, and must outlive the model.</summary>
/// <param name="Read">[Read.Length] in the compute type (fp32 or bf16); with adapters it is frozen.</param>
public sealed record ModelWeights(Tensor Read)
{
    private readonly Tensor? _adapters;

    /// <summary>[Trained.Length] in the compute type: the adapters.</summary>
    /// <exception cref="InvalidOperationException">The model has none.</exception>
    public Tensor Adapters
    {
        get => _adapters ?? throw new InvalidOperationException("the weights of the adapters are not given");
        init => _adapters = value;
    }

    /// <summary>Matrices that are held in 4 bits, by their keys.</summary>
    public IReadOnlyDictionary<string, IQuantizedMatrix> Quantized { get; init; } = new Dictionary<string, IQuantizedMatrix>();

    /// <summary>A buffer alone: of a model without adapters.</summary>
    public static implicit operator ModelWeights(Tensor read) => new(read);
}
