using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Tulu2.Checkpoints;
using Tulu2.Models.Parameters;
using Tulu2.Training.Optimization;
using Xunit;

namespace Tulu2.Tests.Training.Workers;

/// <summary>A model's parameters put together from the ranks' parts of them.</summary>
internal static class AssembledState
{
    /// <summary>As <see cref="Tulu2.Training.State.ParameterHash"/> has it of a rank that holds everything.</summary>
    public static string ParametersSha256(ParameterMap trained, IEnumerable<IReadOnlyList<StateBlock>> states)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (_, values) in Parameters(trained, states)) hash.AppendData(MemoryMarshal.AsBytes<float>(values));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>In ordinal order of their names. Parts that several ranks hold have to be equal; together they have to be everything.</summary>
    public static IReadOnlyList<(string Name, float[] Values)> Parameters(ParameterMap trained, IEnumerable<IReadOnlyList<StateBlock>> states)
    {
        var tensors = trained.Tensors.ToDictionary(tensor => tensor.Name, tensor => new float[tensor.Shape.Aggregate(1L, (product, size) => product * size)]);
        foreach (var values in tensors.Values) Array.Fill(values, float.NaN);
        foreach (var state in states)
        {
            foreach (var (_, slice, address, stride) in state.Where(block => block.Kind == StateKind.Parameter))
            {
                var (width, wholeWidth) = (slice.Size[^1], slice.Shape[^1]);
                for (var row = 0L; row < slice.Length / width; row++)
                {
                    var from = FlatMemory.Floats(address, row * stride, (int)width);
                    var firstRow = slice.Shape.Length == 1 ? 0 : slice.Begin[0];
                    var to = tensors[slice.Name].AsSpan((int)((firstRow + row) * wholeWidth + slice.Begin[^1]), (int)width);
                    if (!float.IsNaN(to[0])) Assert.True(to.SequenceEqual(from), $"two ranks differ in row {row} of {slice.Name}");
                    from.CopyTo(to);
                }
            }
        }
        foreach (var (name, values) in tensors) Assert.False(values.Any(float.IsNaN), $"no rank holds all of {name}");
        return [.. tensors.OrderBy(tensor => tensor.Key, StringComparer.Ordinal).Select(tensor => (tensor.Key, tensor.Value))];
    }
}
