using System.Runtime.InteropServices;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;

namespace Tulu2.Models.Inference;

/// <summary>Packs a source's tensors into the matrices of an inference model.</summary>
internal sealed unsafe class InferenceLoader
{
    private readonly IWeightSource _source;
    private readonly MergedAdapter? _adapter;
    private readonly InferenceShard _shard;
    private readonly ILookup<string, ModelTensor> _tensors;

    public InferenceLoader(IWeightSource source, MergedAdapter? adapter, InferenceShard shard)
    {
        (_source, _adapter, _shard) = (source, adapter, shard);
        _tensors = source.Config.Family.Tensors(source.Config).ToLookup(tensor => tensor.Matrix);
    }

    public ModelConfig Config => _source.Config;

    public InferenceShard Shard => _shard;

    public InferenceBlock Block(int layer) => new(
        Norm($"{layer}.norm1"), Linear($"{layer}.qkv", Config.KeyValueHeads), Linear($"{layer}.o"), Norm($"{layer}.norm2"), Linear($"{layer}.gate_up"), Linear($"{layer}.down"));

    /// <summary>All of the embedding, for its rows are read by their ids.</summary>
    public PackedMatrix Embedding() => Matrix([.. _tensors["embed"].Select(Rows.All)]);

    /// <summary>The shard's part of the head; of a tied model it is in the embedding's tensor.</summary>
    public PackedMatrix Head() => Matrix([.. _tensors[Config.TieEmbeddings ? "embed" : "head"].Select(tensor => Own(tensor, tensor.Shape[0]))]);

    /// <summary>A vector, with zeros up to whole panels.</summary>
    public NativeBuffer Norm(string key)
    {
        Rows[] parts = [.. _tensors[key].Select(Rows.All)];
        return Vector(parts, part => part.Tensor);
    }

    // The outputs are divided into so many units, none of which is split between shards; 0: each output is one.
    private InferenceLinear Linear(string key, int units = 0)
    {
        Rows[] parts = [.. _tensors[key].Select(tensor => Own(tensor, units == 0 ? tensor.Shape[0] : units))];
        ModelTensor[] biases = [.. _tensors[$"{key}.bias"]];
        // Not every projection of the matrix needs to have one.
        var bias = biases.Length == 0 ? null : Vector(parts, part => Array.Find(biases, bias => bias.Name == $"{part.Tensor.Name[..^".weight".Length]}.bias"));
        return new InferenceLinear(Matrix(parts), bias, [.. Adapters(parts)]);
    }

    private Rows Own(ModelTensor tensor, long units)
    {
        var (first, count) = _shard.Own(tensor.Shape[0], units);
        return new Rows(tensor, first, count);
    }

    // Of each part the tensor that has a value for each of its rows; null: zeros.
    private NativeBuffer Vector(Rows[] parts, Func<Rows, ModelTensor?> of)
    {
        var length = parts.Sum(part => part.Count);
        var buffer = new NativeBuffer((length + Panel.Width - 1) / Panel.Width * Panel.Width * sizeof(float));
        var at = 0L;
        foreach (var part in parts)
        {
            if (of(part) is { } tensor) _source.Read(tensor, part.First, (int)part.Count, buffer.Singles + at);
            at += part.Count;
        }
        return buffer;
    }

    private PackedMatrix Matrix(Rows[] parts)
    {
        var forms = parts.Select(part => _source.FormOf(part.Tensor)).Distinct().ToArray();
        var (form, inputs) = (forms.Length == 1 ? forms[0] : WeightForm.Single, parts[0].Tensor.Shape[1]);
        var matrix = new PackedMatrix(form, parts.Sum(part => part.Count), inputs);
        var first = 0L;
        // A panel's rows at a time.
        var rows = (float*)NativeMemory.Alloc((nuint)(Panel.Width * inputs), sizeof(float));
        try
        {
            foreach (var part in parts)
            {
                if (form == WeightForm.Nf4) matrix.Set(first, _source.ReadQuantized(part.Tensor), part.First, part.Count);
                else
                    for (var row = 0L; row < part.Count; row += Panel.Width)
                    {
                        var count = (int)Math.Min(Panel.Width, part.Count - row);
                        _source.Read(part.Tensor, part.First + row, count, rows);
                        matrix.Set(first + row, count, rows);
                    }
                first += part.Count;
            }
            return matrix;
        }
        catch
        {
            matrix.Dispose();
            throw;
        }
        finally
        {
            NativeMemory.Free(rows);
        }
    }

    private IEnumerable<InferenceAdapter> Adapters(Rows[] parts)
    {
        var first = 0;
        foreach (var (tensor, row, count) in parts)
        {
            if (_adapter is not null && _adapter.Settings.Adapts(tensor))
            {
                var rank = _adapter.Settings.Rank;
                yield return new InferenceAdapter(
                    Adapter(AdapterTensors.InputName(tensor.Name), [rank, tensor.Shape[1]], 0, rank),
                    Adapter(AdapterTensors.OutputName(tensor.Name), [tensor.Shape[0], rank], row, count), first, (float)(_adapter.Settings.Scale * _adapter.Weight));
            }
            first += (int)count;
        }
    }

    // Some rows of one side of an adapter.
    private PackedMatrix Adapter(string name, long[] shape, long first, long rows)
    {
        var inputs = shape[1];
        var values = (float*)NativeMemory.AllocZeroed((nuint)(shape[0] * inputs), sizeof(float));
        try
        {
            _adapter!.Read(name, shape, (nint)values);
            var matrix = new PackedMatrix(WeightForm.Single, rows, inputs);
            matrix.Set(0, (int)rows, values + first * inputs);
            return matrix;
        }
        finally
        {
            NativeMemory.Free(values);
        }
    }

    private readonly record struct Rows(ModelTensor Tensor, long First, long Count)
    {
        public static Rows All(ModelTensor tensor) => new(tensor, 0, tensor.Shape[0]);
    }
}
