namespace Tulu2.Models.Families;

/// <summary>
/// What a tensor is to the model: decides how tensor parallelism cuts it and how it is initialised. Column and row as in Megatron-LM (arXiv 1909.08053).
/// </summary>
public enum TensorRole
{
    /// <summary>[width] the scale of a norm: whole on every tensor-parallel rank.</summary>
    Norm,

    /// <summary>[outputs, inputs] of a column-parallel linear: cut by outputs.</summary>
    ColumnWeight,

    /// <summary>[outputs] of a column-parallel linear: cut like its weight.</summary>
    ColumnBias,

    /// <summary>[outputs, inputs] of a row-parallel linear: cut by inputs.</summary>
    RowWeight,

    /// <summary>[outputs] of a row-parallel linear, added after the sum over ranks: whole on every tensor-parallel rank.</summary>
    RowBias,

    /// <summary>[vocabulary, width] embedding or head: cut by rows, padded.</summary>
    Vocabulary,

    /// <summary>[rows, columns] the side of a low-rank adapter that is not cut: whole on every tensor-parallel rank.</summary>
    WholeMatrix,
}

/// <summary>How a tensor without weights from a file begins.</summary>
internal enum InitialValue
{
    /// <summary>Normal with a standard deviation of the configuration's initializer range.</summary>
    Normal,
    One,
    Zero,
}

/// <summary>A tensor of a model as its checkpoint holds it.</summary>
/// <param name="Name">Hugging Face name.</param>
/// <param name="Layer">The layer that holds it; -1 before the first layer, the number of layers after the last.</param>
/// <param name="Matrix">
/// Key of the matrix that the model computes with. Column-parallel tensors with one key are one product: of each virtual shard their rows stand together,
/// in this order.
/// </param>
internal sealed record ModelTensor(string Name, long[] Shape, TensorRole Role, int Layer, string Matrix)
{
    /// <summary>Layer of the tensors before the first layer.</summary>
    public const int BeforeLayers = -1;

    /// <summary>Another name under which a file may hold the same tensor: the head of a tied model.</summary>
    public string? Alias { get; init; }

    /// <summary>The weight [outputs, inputs] of a linear layer; embedding and head are none.</summary>
    public bool IsLinear => Role is TensorRole.ColumnWeight or TensorRole.RowWeight;

    public long Length => Shape.Aggregate(1L, (product, size) => product * size);
}
