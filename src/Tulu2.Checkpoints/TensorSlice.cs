namespace Tulu2.Checkpoints;

/// <summary>A slice of a global tensor, independent of the layout that wrote it.</summary>
/// <param name="Name">Hugging Face name, e.g. <c>model.layers.0.mlp.up_proj.weight</c>.</param>
/// <param name="Shape">Shape of the whole tensor.</param>
/// <param name="Begin">First index of the slice along each dimension.</param>
/// <param name="Size">Extent of the slice along each dimension.</param>
public sealed record TensorSlice(string Name, long[] Shape, long[] Begin, long[] Size)
{
    public long Length => Size.Aggregate(1L, (product, size) => product * size);
}
