using Tulu2.Models.Quantization;

namespace Tulu2.Models.Parameters;

/// <summary>Collects the 4-bit matrices of a rank's part from whole tensors, which come one at a time.</summary>
/// <param name="map">The matrices (<see cref="ModelParameters.Quantized"/>).</param>
public sealed class QuantizedMatrices(ParameterMap map)
{
    private readonly Dictionary<string, List<(long Row, Nf4Tensor Tensor)>> _parts = map.Matrices.ToDictionary(matrix => matrix.Key, _ => new List<(long, Nf4Tensor)>());

    /// <summary>Names of the tensors of which the part needs something.</summary>
    public IEnumerable<string> Names => map.Slices.Select(slice => slice.Slice.Name).Distinct();

    /// <summary>Takes what the part needs of a whole tensor.</summary>
    public void Add(string name, Nf4Tensor whole)
    {
        var key = map.MatrixOf(name);
        var matrix = map[key];
        foreach (var slice in map.Slices.Where(slice => slice.Slice.Name == name)) _parts[key].Add(((slice.Offset - matrix.Offset) / matrix.Columns, Cut(whole, slice)));
    }

    /// <summary>The matrices, once all names were added.</summary>
    public IReadOnlyDictionary<string, QuantizedMatrix> All() =>
        map.Matrices.ToDictionary(matrix => matrix.Key, matrix => new QuantizedMatrix(matrix.Rows, matrix.Columns, _parts[matrix.Key]));

    private static Nf4Tensor Cut(Nf4Tensor whole, ParameterSlice part)
    {
        var (begin, size) = (part.Slice.Begin, part.Slice.Size);
        return size[0] == whole.Rows && size[1] == whole.Columns ? whole : whole.Cut(begin[0], size[0], begin[1], size[1]);
    }
}
