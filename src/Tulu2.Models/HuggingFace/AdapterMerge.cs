using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.HuggingFace;

/// <summary>Writes a model with adapters added to its weights: W + sum of weight x scale x B A in fp32, rounded once. One tensor in memory at a time.</summary>
public static unsafe class AdapterMerge
{
    private const string BaseKey = "merged_base", AdaptersKey = "merged_adapters";

    /// <param name="model">Directory of the model.</param>
    /// <param name="choice">Null: the 4-bit form if the adapters were trained beside it, else the files' weights.</param>
    /// <param name="dataType">F32, F16 or BF16.</param>
    /// <exception cref="BadInputException">Adapters and model do not fit, the choice is not possible, or the directory holds what no export writes.</exception>
    /// <exception cref="NonFiniteException">A weight is NaN or infinite.</exception>
    public static MergeOutcome Write(
        string model, IReadOnlyList<MergedAdapter> adapters, string directory, MergeBase? choice, string dataType, Action<int, int>? progress = null,
        long shardBytes = HuggingFaceExport.DefaultShardBytes)
    {
        var config = HuggingFaceConfig.Read(model);
        using var files = new HuggingFaceFiles(model);
        HuggingFaceModel.Check(model, files, config);
        var fourBit = FourBitTensors.Of(files, config);
        var form = adapters.Select(adapter => adapter.QuantizedBase).OfType<string>().Distinct().ToArray();
        if (form.Length > 1) throw new BadInputException(adapters[0].Name, "the adapters were trained beside models that were quantised in different ways", "merge them one by one");
        if (fourBit.Count > 0 && choice == MergeBase.Original)
            throw new BadInputException(model, "holds the weights in 4 bits only, so that the original ones cannot be merged into", "name the model that it was quantised from, or use --base dequantized");
        var used = fourBit.Count > 0 ? MergeBase.Dequantized : choice ?? (form.Length > 0 ? MergeBase.Dequantized : MergeBase.Original);
        // A model that was never quantised has no other weights.
        var hasOther = fourBit.Count == 0 && (form.Length > 0 || used == MergeBase.Dequantized);
        var doubleQuant = form is not [AdapterFolder.Quantized];
        var tensors = config.Family.Tensors(config);
        var (done, matrices, largest, largestIn) = (0, 0, 0f, (string?)null);
        ExportDirectory.Write(directory, model, part =>
        {
            AtomicFile.WriteAllText(
                Path.Combine(part, HuggingFaceConfig.FileName), HuggingFaceConfig.Write(config, dataType, Path.Combine(model, HuggingFaceConfig.FileName)));
            ExportDirectory.WriteWeights(part, tensors.Select(tensor =>
                (IReadOnlyList<SafetensorsTensor>)[HuggingFaceExport.Tensor(tensor.Name, tensor.Shape, dataType, (_, _, destination) => Fill(tensor, (float*)destination))]), shardBytes, Record(used, form, adapters));
            QuantizedExport.CopyBeside(model, part);
        });
        return new MergeOutcome(used, matrices, hasOther ? largest : null, hasOther ? largestIn : null);

        void Fill(ModelTensor tensor, float* target)
        {
            if (!fourBit.Contains(tensor.Name)) HuggingFaceModel.ReadWhole(files, tensor, target);
            if (tensor.IsLinear && (fourBit.Contains(tensor.Name) || hasOther)) Restore(tensor, target);
            var added = adapters.Where(adapter => adapter.Settings.Adapts(tensor)).ToList();
            foreach (var adapter in added) Add(adapter, tensor, target);
            if (added.Count > 0) matrices++;
            progress?.Invoke(++done, tensors.Count);
        }

        void Restore(ModelTensor tensor, float* target)
        {
            var quantized = HuggingFaceModel.ReadQuantized(model, files, tensor, fourBit, doubleQuant);
            if (!hasOther)
            {
                quantized.Restore(target, tensor.Shape[1]);
                return;
            }
            var restored = (float*)NativeMemory.Alloc((nuint)tensor.Length, sizeof(float));
            try
            {
                quantized.Restore(restored, tensor.Shape[1]);
                FlatRuns(tensor.Length, (at, count) =>
                {
                    Span<float> original = new(target + at, count), other = new(restored + at, count);
                    var difference = Largest(original, other);
                    if (difference > largest) (largest, largestIn) = (difference, tensor.Name);
                    if (used == MergeBase.Dequantized) other.CopyTo(original);
                });
            }
            finally
            {
                NativeMemory.Free(restored);
            }
        }
    }

    private static void Add(MergedAdapter adapter, ModelTensor tensor, float* target)
    {
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (outputs, inputs, rank) = (tensor.Shape[0], tensor.Shape[1], (long)adapter.Settings.Rank);
        var (a_RI, b_OR) = (empty([rank, inputs]), empty([outputs, rank]));
        adapter.Read(AdapterTensors.InputName(tensor.Name), [rank, inputs], (nint)Aten.Address<float>(a_RI));
        adapter.Read(AdapterTensors.OutputName(tensor.Name), [outputs, rank], (nint)Aten.Address<float>(b_OR));
        var delta_OI = b_OR.mm(a_RI);
        var product = Aten.Address<float>(delta_OI);
        var factor = (float)(adapter.Weight * adapter.Settings.Scale);
        FlatRuns(tensor.Length, (at, count) =>
        {
            var sum = new Span<float>(target + at, count);
            TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(product + at, count), factor, sum, sum);
        });
        GC.KeepAlive(delta_OI);
    }

    private static float Largest(ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        var largest = 0f;
        for (var index = 0; index < one.Length; index++) largest = Math.Max(largest, Math.Abs(one[index] - other[index]));
        return largest;
    }

    private static void FlatRuns(long length, Action<long, int> each)
    {
        const int Run = 1 << 24;
        for (var at = 0L; at < length; at += Run) each(at, (int)Math.Min(Run, length - at));
    }

    private static Dictionary<string, string> Record(MergeBase used, string[] form, IReadOnlyList<MergedAdapter> adapters) => new()
    {
        [BaseKey] = used == MergeBase.Original ? "original" : $"dequantized {form.FirstOrDefault() ?? AdapterFolder.DoubleQuantized}",
        [AdaptersKey] = string.Join("; ", adapters.Select(adapter => string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(adapter.Name))} x {adapter.Weight}"))),
    };
}
