namespace Tulu2.Checkpoints.TorchFiles;

// What a pickle of plain tensors can build, beside null, bool, long, double, string, List<object?> and Dictionary<object, object?>.

/// <summary>A fixed sequence.</summary>
internal sealed record PickledTuple(object?[] Items);

/// <summary>A function or class by name: one of those that plain tensors are made with.</summary>
internal sealed record PickledName(string Name);

/// <summary>Elements in a part of the archive, which several tensors may share.</summary>
/// <param name="DataType">As in safetensors.</param>
/// <param name="Key">Of the part.</param>
internal sealed record PickledStorage(string DataType, string Key, long Elements);

/// <summary>A view of a storage; offset and strides count elements.</summary>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Shape, long[] Strides)
{
    /// <summary>Whether the elements lie row-major without gaps. The stride of a dimension of one is never used.</summary>
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
