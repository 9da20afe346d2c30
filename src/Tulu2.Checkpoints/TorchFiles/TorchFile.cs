using System.Runtime.InteropServices;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;

namespace Tulu2.Checkpoints.TorchFiles;

/// <summary>
/// Weights as <c>torch.save</c> writes them since version 1.6 (<c>pytorch_model.bin</c>), mapped into memory: a zip archive with a pickle that describes the
/// tensors
/// and one part for each storage. Several tensors may be views of one storage. Nothing in the pickle is run (<see cref="PickleMachine"/>).
/// </summary>
public sealed unsafe class TorchFile : ITensorFile
{
    private const string Pickle = "data.pkl";
    private const long LargestPickle = 1 << 28;
    private const int MostAxes = 8;

    private readonly MappedFile _bytes;
    private readonly Dictionary<string, SafetensorsEntry> _entries = [];
    private readonly Dictionary<string, PickledTensor> _strided = [];
    private readonly Dictionary<string, nint> _gathered = [];

    /// <exception cref="BadInputException">
    /// The file is missing, damaged, of the older format, or holds anything other than plain tensors, which is named.
    /// </exception>
    public TorchFile(string path)
    {
        Path = path;
        ForeignContent.Refuse(path, FileUse.TorchWeights);
        _bytes = MappedFile.OpenInput(path);
        try
        {
            var parts = new StoredZip(path, _bytes.Start, _bytes.Length).Read();
            var folder = Folder(parts.Keys);
            CheckOrder(parts, folder);
            var pickle = parts[folder + Pickle];
            if (pickle.Bytes > LargestPickle) throw Broken($"its pickle has {pickle.Bytes} bytes, which no description of tensors has");
            AddAll(new PickleMachine(path, Bytes(pickle)).Run(), parts, folder + "data/");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    public byte* Address(SafetensorsEntry entry)
    {
        if (!_strided.TryGetValue(entry.Name, out var tensor)) return _bytes.Start + entry.Offset;
        if (!_gathered.TryGetValue(entry.Name, out var address)) _gathered[entry.Name] = address = Gather(entry, tensor);
        return (byte*)address;
    }

    public void Dispose()
    {
        foreach (var address in _gathered.Values) NativeMemory.Free((void*)address);
        _gathered.Clear();
        _bytes.Dispose();
    }

    private string Folder(IEnumerable<string> parts)
    {
        var pickles = parts.Where(name => name == Pickle || name.EndsWith("/" + Pickle, StringComparison.Ordinal)).ToArray();
        if (pickles is not [var only]) throw Broken($"it holds {pickles.Length} parts named {Pickle} instead of one");
        return only[..^Pickle.Length];
    }

    private void CheckOrder(Dictionary<string, ZipPart> parts, string folder)
    {
        if (parts.TryGetValue(folder + "byteorder", out var part) && !Bytes(part).AsSpan().SequenceEqual("little"u8))
            throw new BadInputException(Path, "its numbers are in big-endian order", "save it again on a little-endian machine, or as safetensors");
    }

    private void AddAll(object? root, Dictionary<string, ZipPart> parts, string folder)
    {
        if (root is not Dictionary<object, object?> tensors) throw Foreign($"it holds {Kind(root)}, not a model's tensors by name");
        foreach (var (key, value) in tensors)
        {
            if (key is not string name) throw Foreign($"it holds {Kind(key)} as a name");
            if (value is not PickledTensor tensor) throw Foreign($"its entry '{name}' is {Kind(value)}, not a tensor");
            if (!parts.TryGetValue(folder + tensor.Storage.Key, out var part))
                throw Broken($"the elements of tensor {name} are not there (part {tensor.Storage.Key})");
            Add(name, tensor, part);
        }
    }

    private void Add(string name, PickledTensor tensor, ZipPart part)
    {
        var size = SafetensorsTypes.Size(tensor.Storage.DataType)!.Value;
        try
        {
            if (tensor.Shape.Length > MostAxes) throw Broken($"tensor {name} has {tensor.Shape.Length} dimensions");
            if (checked(tensor.Storage.Elements * size) != part.Bytes)
                throw Broken($"the storage of tensor {name} has {part.Bytes} bytes, "
                    + $"but {tensor.Storage.Elements} elements of {tensor.Storage.DataType} need {checked(tensor.Storage.Elements * size)}");
            var elements = tensor.Shape.Aggregate(1L, (product, width) => checked(product * width));
            var last = elements == 0 ? -1
                : tensor.Shape.Zip(tensor.Strides).Aggregate(tensor.Offset, (sum, axis) => checked(sum + (axis.First - 1) * axis.Second));
            if (tensor.Offset < 0 || last >= tensor.Storage.Elements) throw Broken($"tensor {name} reaches beyond its storage");
            _entries.Add(name, new SafetensorsEntry(name, tensor.Storage.DataType, tensor.Shape, part.Offset + tensor.Offset * size, checked(elements * size)));
            if (!tensor.IsContiguous) _strided.Add(name, tensor);
        }
        catch (OverflowException fault)
        {
            throw Broken($"tensor {name} has impossible sizes", fault);
        }
    }

    // A view that is not row-major (a transposed matrix) is copied once.
    private nint Gather(SafetensorsEntry entry, PickledTensor tensor)
    {
        var size = SafetensorsTypes.Size(entry.DataType)!.Value;
        var target = (byte*)NativeMemory.Alloc((nuint)Math.Max(1, entry.Bytes));
        var index = new long[tensor.Shape.Length];
        long source = 0;
        for (var at = 0L; at < entry.Bytes; at += size)
        {
            Buffer.MemoryCopy(_bytes.Start + entry.Offset + source * size, target + at, size, size);
            for (var axis = index.Length - 1; axis >= 0; axis--)
            {
                source += tensor.Strides[axis];
                if (++index[axis] < tensor.Shape[axis]) break;
                source -= tensor.Strides[axis] * tensor.Shape[axis];
                index[axis] = 0;
            }
        }
        return (nint)target;
    }

    private byte[] Bytes(ZipPart part) => new ReadOnlySpan<byte>(_bytes.Start + part.Offset, checked((int)Math.Min(part.Bytes, LargestPickle))).ToArray();

    private static string Kind(object? value) => value switch
    {
        null => "None",
        bool or long or double => "a number",
        string => "a text",
        PickledTensor => "a tensor",
        Dictionary<object, object?> => "a dictionary",
        List<object?> => "a list",
        PickledTuple => "a tuple",
        _ => "something else",
    };

    private BadInputException Foreign(string what) =>
        new(Path, what, "save the model's tensors alone: torch.save(model.state_dict(), FILE), or better as safetensors");

    private BadInputException Broken(string what, Exception? inner = null) => new(Path, what, "download or copy the file again", inner);
}
