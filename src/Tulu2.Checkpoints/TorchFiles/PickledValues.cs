namespace Tulu2.Checkpoints.TorchFiles;

// The values that a pickle of plain tensors can build, besides null, bool, long, double, string, List<object?> and Dictionary<object, object?>.

/// <summary>A tuple.</summary>
internal sealed record PickledTuple(object?[] Items);

/// <summary>The name of a function or class that plain tensors are made with.</summary>
internal sealed record PickledName(string Name);

/// <summary>A storage of elements: one part of the archive, which several tensors may share.</summary>
/// <param name="DataType">As in safetensors.</param>
/// <param name="Key">Name of the part.</param>
internal sealed record PickledStorage(string DataType, string Key, long Elements);

/// <summary>A view of a storage; offset and strides count elements.</summary>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Shape, long[] Strides)
{
    /// <summary>Whether the elements are row-major without gaps. The stride of a dimension of size one is ignored.</summary>
    public bool IsContiguous
    {
        get
        {
            var expected = 1L;
            for (var axis = Shape.Length - 1; axis >= 0; axis--)
            {
                if (Shape[axis] != 1 && Strides[axis] != expected) return Shape.Contains(0);
                expected = checked(expected * Shape[axis]);
            }
            return true;
        }
    }
}
