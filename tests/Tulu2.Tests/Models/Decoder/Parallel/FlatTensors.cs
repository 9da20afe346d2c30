using Tulu2.Models.Parameters;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder.Parallel;

/// <summary>Between flat buffers of parts and whole Hugging Face tensors.</summary>
internal static class FlatTensors
{
    /// <summary>What the buffers hold together. What several of them hold must be the same bytes in all.</summary>
    public static Dictionary<string, Tensor> Gather(IReadOnlyList<(ParameterMap Layout, Tensor Flat)> buffers)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        var filled = new Dictionary<string, Tensor>();
        foreach (var (layout, flat) in buffers)
            foreach (var slice in layout.Slices)
            {
                if (!tensors.TryGetValue(slice.Slice.Name, out var whole))
                {
                    tensors.Add(slice.Slice.Name, whole = zeros(slice.Slice.Shape, dtype: flat.dtype).DetachFromDisposeScope());
                    filled.Add(slice.Slice.Name, zeros(slice.Slice.Shape, dtype: ScalarType.Bool));
                }
                Tensor place = Cut(whole, slice), there = Cut(filled[slice.Slice.Name], slice), values = View(flat, slice);
                using var any = there.any();
                if (any.item<bool>()) Xunit.Assert.Equal(TinyModel.Hash(place), TinyModel.Hash(values));
                place.copy_(values);
                there.fill_(true);
            }
        Xunit.Assert.All(filled.Values, there =>
        {
            using var all = there.all();
            Xunit.Assert.True(all.item<bool>());
        });
        return tensors;
    }

    /// <summary>A part's buffer, cut out of whole tensors.</summary>
    public static Tensor Part(ParameterMap layout, Dictionary<string, Tensor> tensors, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var flat = zeros([layout.Length], dtype: type);
        foreach (var slice in layout.Slices) View(flat, slice).copy_(Cut(tensors[slice.Slice.Name], slice));
        return flat.MoveToOuterDisposeScope();
    }

    private static Tensor View(Tensor flat, ParameterSlice slice)
    {
        var shape = slice.Slice.Size;
        return shape.Length == 1 ? flat.narrow(0, slice.Offset, shape[0]) : flat.as_strided(shape, [slice.RowStride, 1], slice.Offset);
    }

    private static Tensor Cut(Tensor whole, ParameterSlice slice)
    {
        for (var d = 0; d < slice.Slice.Begin.Length; d++) whole = whole.narrow(d, slice.Slice.Begin[d], slice.Slice.Size[d]);
        return whole;
    }
}
