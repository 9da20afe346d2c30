namespace Tulu2.Collectives;

/// <summary>Type of a buffer's elements.</summary>
public enum ElementType
{
    Float32,

    /// <summary>Each sum is computed in fp32 and rounded to nearest, ties to even, as libtorch does.</summary>
    BFloat16,
}

public enum ReduceOperation
{
    /// <summary>Sum by the fixed binary tree over the ranks of the group.</summary>
    Sum,

    /// <summary>Element-wise maximum; exact in any order.</summary>
    Max,
}
