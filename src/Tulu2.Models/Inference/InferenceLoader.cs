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
    private readonly ILookup<string, ModelTensor> _tensors;

    public InferenceLoader(IWeightSource source, MergedAdapter? adapter)
    {
        (_source, _adapter) = (source, adapter);
        _tensors = source.Config.Family.Tensors(source.Config).ToLookup(tensor => tensor.Matrix);
    }

    public ModelConfig Config => _source.Config;

    public InferenceBlock Block(int layer) => new(
        Norm($"{layer}.norm1"), Linear($"{layer}.qkv"), Linear($"{layer}.o"), Norm($"{layer}.norm2"), Linear($"{layer}.gate_up"), Linear($"{layer}.down"));

    public PackedMatrix Vocabulary(string key) => Matrix([.. _tensors[key]]);

    /// <summary>A vector, with zeros up to whole panels.</summary>
    public NativeBuffer Norm(string key) => Vector([.. _tensors[key]]);

    private InferenceLinear Linear(string key)
    {
        ModelTensor[] parts = [.. _tensors[key]], biases = [.. _tensors[$"{key}.bias"]];
        return new InferenceLinear(Matrix(parts), biases.Length == 0 ? null : Bias(parts, biases), [.. Adapters(parts)]);
    }

    private NativeBuffer Vector(ModelTensor[] parts)
    {
        var length = parts.Sum(part => part.Shape[0]);
        var buffer = new NativeBuffer((length + Panel.Width - 1) / Panel.Width * Panel.Width * sizeof(float));
        var at = 0L;
        foreach (var part in parts)
        {
            _source.Read(part, 0, (int)part.Shape[0], buffer.Singles + at);
            at += part.Shape[0];
        }
        return buffer;
    }

    // Not every projection of the matrix needs to have one.
    private NativeBuffer Bias(ModelTensor[] parts, ModelTensor[] biases)
    {
        var length = parts.Sum(part => part.Shape[0]);
        var buffer = new NativeBuffer((length + Panel.Width - 1) / Panel.Width * Panel.Width * sizeof(float));
        var at = 0L;
        foreach (var part in parts)
        {
            var name = $"{part.Name[..^".weight".Length]}.bias";
            if (Array.Find(biases, bias => bias.Name == name) is { } bias) _source.Read(bias, 0, (int)bias.Shape[0], buffer.Singles + at);
            at += part.Shape[0];
        }
        return buffer;
    }

    private PackedMatrix Matrix(ModelTensor[] parts)
    {
        var forms = parts.Select(_source.FormOf).Distinct().ToArray();
        var (form, inputs) = (forms.Length == 1 ? forms[0] : WeightForm.Single, parts[0].Shape[1]);
        var matrix = new PackedMatrix(form, parts.Sum(part => part.Shape[0]), inputs);
        var first = 0L;
        // A panel's rows at a time.
        var rows = (float*)NativeMemory.Alloc((nuint)(Panel.Width * inputs), sizeof(float));
        try
        {
            foreach (var part in parts)
            {
                if (form == WeightForm.Nf4) matrix.Set(first, _source.ReadQuantized(part));
                else
                    for (var row = 0L; row < part.Shape[0]; row += Panel.Width)
                    {
                        var count = (int)Math.Min(Panel.Width, part.Shape[0] - row);
                        _source.Read(part, row, count, rows);
                        matrix.Set(first + row, count, rows);
                    }
                first += part.Shape[0];
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

    private IEnumerable<InferenceAdapter> Adapters(ModelTensor[] parts)
    {
        var first = 0;
        foreach (var part in parts)
        {
            if (_adapter is not null && _adapter.Settings.Adapts(part))
                yield return new InferenceAdapter(
                    Adapter(AdapterTensors.InputName(part.Name), _adapter.Settings.Rank, part.Shape[1]),
                    Adapter(AdapterTensors.OutputName(part.Name), part.Shape[0], _adapter.Settings.Rank), first,
                        (float)(_adapter.Settings.Scale * _adapter.Weight));
            first += (int)part.Shape[0];
        }
    }

    private PackedMatrix Adapter(string name, long outputs, long inputs)
    {
        var values = (float*)NativeMemory.AllocZeroed((nuint)(outputs * inputs), sizeof(float));
        try
        {
            _adapter!.Read(name, [outputs, inputs], (nint)values);
            var matrix = new PackedMatrix(WeightForm.Single, outputs, inputs);
            matrix.Set(0, (int)outputs, values);
            return matrix;
        }
        finally
        {
            NativeMemory.Free(values);
        }
    }
}
