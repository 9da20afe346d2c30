using Tulu2.Checkpoints;
using Tulu2.Models.Families;

namespace Tulu2.Models.Parameters;

/// <summary>
/// One weight as the model computes with it: a matrix [Rows, Columns] at an offset of the flat buffer. A norm weight has one row, a bias that is cut one
/// row for each virtual shard.
/// </summary>
/// <param name="Offset">First element; a multiple of <see cref="ParameterMap.Alignment"/>.</param>
/// <param name="Split">How virtual shards cut it: contiguous blocks of rows, of columns, or not at all.</param>
public sealed record ParameterMatrix(string Key, long Offset, long Rows, long Columns, ShardSplit Split)
{
    public long Length => Rows * Columns;

    /// <summary>Rows at the end that stand for no token and stay zero: padding of the vocabulary to a multiple of 16 per virtual shard.</summary>
    public long PaddingRows { get; init; }

    /// <summary>Rows at the end that training leaves as they are: the padding, and tokens that the tokenizer lacks.</summary>
    public long UntrainedRows { get; init; }
}

public enum ShardSplit
{
    None,
    Rows,
    Columns,
}

/// <summary>
/// A part of a Hugging Face tensor and where its rows lie in the flat buffer: row r of the slice starts at
/// <paramref name="Offset"/> + r * <paramref name="RowStride"/> (a one-dimensional tensor is one row).
/// </summary>
public sealed record ParameterSlice(TensorSlice Slice, long Offset, long RowStride)
{
    public required TensorRole Role { get; init; }

    /// <summary>Every tensor-parallel rank holds all of it.</summary>
    public bool IsReplicated => Role is TensorRole.Norm or TensorRole.RowBias or TensorRole.WholeMatrix;
}
