using Tulu2.Models.Quantization;
using static TorchSharp.torch;

namespace Tulu2.Models.Parameters;

/// <summary>Collects the 4-bit matrices of a rank's part from whole tensors, which come one at a time.</summary>
/// <param name="map">The matrices (<see cref="ModelParameters.Quantized"/>).</param>
public sealed class QuantizedMatrices(ParameterMap map)
{
    private readonly Dictionary<string, List<QuantizedPart>> _parts = map.Matrices.ToDictionary(matrix => matrix.Key, _ => new List<QuantizedPart>());

    /// <summary>Names of the tensors of which the part needs something.</summary>
    public IEnumerable<string> Names => map.Slices.Select(slice => slice.Slice.Name).Distinct();

    /// <summary>Takes what the part needs of a whole tensor; where it needs everything, the tensor itself.</summary>
    public void Add(string name, Nf4Tensor whole)
    {
        var key = map.MatrixOf(name);
        var matrix = map[key];
        foreach (var slice in map.Slices.Where(slice => slice.Slice.Name == name))
        {
            var (begin, size, row) = (slice.Slice.Begin, slice.Slice.Size, (slice.Offset - matrix.Offset) / matrix.Columns);
            _parts[key].Add(map.Part.TensorDegree == 1
                ? new QuantizedPart(row, whole, begin[0], size[0])
                : new QuantizedPart(row, whole.Cut(begin[0], size[0], begin[1], size[1]), 0, size[0]));
        }
    }

    /// <summary>The matrices, once all names were added.</summary>
    /// <param name="device">Where they are computed with; null: the host.</param>
    public IReadOnlyDictionary<string, IQuantizedMatrix> All(Device? device = null) => map.Matrices.ToDictionary(matrix => matrix.Key, matrix =>
    {
        var host = new QuantizedMatrix(matrix.Rows, matrix.Columns, _parts[matrix.Key]);
        return device is null ? (IQuantizedMatrix)host : new DeviceQuantizedMatrix(host, device);
    });
}
