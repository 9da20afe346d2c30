namespace Tulu2.Collectives.Layout;

/// <summary>A rank's coordinates in a layout, each counted from 0.</summary>
/// <param name="Data">Index of the replica.</param>
/// <param name="Pipeline">Index of the pipeline stage.</param>
/// <param name="Tensor">Index among the tensor-parallel ranks: which part of each matrix.</param>
public readonly record struct RankCoordinates(int Data, int Pipeline, int Tensor);
