namespace Tulu2.Checkpoints.TorchFiles;

/// <summary>The names that a pickle of plain tensors uses, and the values that calling them builds. No name leads to any other code.</summary>
internal static class TensorNames
{
    private const string OrderedDict = "collections.OrderedDict";
    private const string RebuildTensor = "torch._utils._rebuild_tensor_v2";
    private const string RebuildParameter = "torch._utils._rebuild_parameter";

    private static readonly Dictionary<string, string> StorageTypes = new()
    {
        ["torch.FloatStorage"] = "F32",
        ["torch.HalfStorage"] = "F16",
        ["torch.BFloat16Storage"] = "BF16",
        ["torch.DoubleStorage"] = "F64",
        ["torch.LongStorage"] = "I64",
        ["torch.IntStorage"] = "I32",
        ["torch.ShortStorage"] = "I16",
        ["torch.CharStorage"] = "I8",
        ["torch.ByteStorage"] = "U8",
        ["torch.BoolStorage"] = "BOOL",
    };

    public static bool IsKnown(string name) => name is OrderedDict or RebuildTensor or RebuildParameter || StorageTypes.ContainsKey(name);

    /// <summary>The value of calling a name; null: it cannot be called with these arguments.</summary>
    public static object? Call(string name, object?[] arguments) => (name, arguments) switch
    {
        (OrderedDict, []) => new Dictionary<object, object?>(),
        (OrderedDict, [List<object?> pairs]) => OfPairs(pairs),
        // Storage, offset, size, stride, requires_grad, backward hooks; newer versions add metadata, which plain tensors lack.
        (RebuildTensor, [PickledStorage storage, long offset, PickledTuple shape, PickledTuple strides,
                bool, Dictionary<object, object?> { Count: 0 } or null, .. var more])
            when more is [] or [null] or [Dictionary<object, object?> { Count: 0 }]
                && Whole(shape) is { } sizes && Whole(strides) is { } steps && sizes.Length == steps.Length =>
                new PickledTensor(storage, offset, sizes, steps),
        (RebuildParameter, [PickledTensor tensor, bool, Dictionary<object, object?> { Count: 0 } or null]) => tensor,
        _ => null,
    };

    /// <summary>The storage of a persistent id; null: it is not one of a storage.</summary>
    public static PickledStorage? Storage(object? id) =>
        id is PickledTuple { Items: ["storage", PickledName type, string key, string, long elements] } && elements >= 0
        && StorageTypes.TryGetValue(type.Name, out var dataType)
            ? new PickledStorage(dataType, key, elements) : null;

    private static long[]? Whole(PickledTuple tuple) =>
        tuple.Items.All(item => item is >= 0L) ? [.. tuple.Items.Select(item => (long)item!)] : null;

    private static Dictionary<object, object?>? OfPairs(List<object?> pairs)
    {
        var result = new Dictionary<object, object?>();
        foreach (var pair in pairs)
        {
            object?[]? items = pair switch { PickledTuple tuple => tuple.Items, List<object?> list => [.. list], _ => null };
            if (items is not [{ } key, var value]) return null;
            result[key] = value;
        }
        return result;
    }
}
