using System.Runtime.InteropServices;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.Quantization;

namespace Tulu2.Models.HuggingFace;

/// <summary>
/// The tensors that bitsandbytes makes of one linear's weight [outputs, inputs] of n elements: <c>weight</c>, U8 [n / 2, 1], and beside it scales, maps and
/// state (docs/quantization.md). Other weights of the same files are not quantised.
/// </summary>
internal static unsafe class FourBitTensors
{
    private const string Absmax = ".absmax", Map = ".quant_map", NestedAbsmax = ".nested_absmax", NestedMap = ".nested_quant_map";
    private const string AnyState = ".quant_state.bitsandbytes__", State = AnyState + "nf4";
    private const string Fix = "copy the files again from their source, or make them anew with `tulu2 quantize`";

    private static readonly string[] Beside = [Absmax, Map, NestedAbsmax, NestedMap, State];

    /// <summary>Those of a family's linears that the files hold in a form that is not a floating-point one.</summary>
    public static HashSet<string> Of(HuggingFaceFiles files, ModelConfig config) =>
    [
        .. config.Family.Tensors(config).Where(tensor => tensor.IsLinear).Select(tensor => tensor.Name)
            .Where(name => Beside.Any(suffix => files.Tensors.ContainsKey(name + suffix)) || OtherState(files, name) is not null
                || (files.Tensors.TryGetValue(name, out var found) && found.Entry.DataType is "U8" or "I8")),
    ];

    /// <summary>Names of all tensors of a 4-bit weight.</summary>
    public static IEnumerable<string> Names(string name) => Beside.Select(suffix => name + suffix).Prepend(name);

    /// <summary>A weight's scales are in 8 bits.</summary>
    public static bool IsDoubleQuantized(HuggingFaceFiles files, string name) => files.Tensors.ContainsKey(name + NestedAbsmax);

    /// <exception cref="BadInputException">
    /// A tensor of the weight (named) is missing, has a wrong type or shape, or belongs to another form of 4-bit weights.
    /// </exception>
    public static void Check(string directory, HuggingFaceFiles files, string name, long[] shape) => Open(directory, files, name, shape);

    /// <summary>Reads a weight that <see cref="Check"/> accepts.</summary>
    /// <exception cref="BadInputException">As <see cref="Check"/>.</exception>
    public static Nf4Tensor Read(string directory, HuggingFaceFiles files, string name, long[] shape)
    {
        var offset = Open(directory, files, name, shape);
        var source = Bytes(files, name);
        var codes = GC.AllocateUninitializedArray<byte>(source.Length, pinned: true);
        source.CopyTo(codes);
        var scales = offset is { } mean
            ? new BlockScales(
                Bytes(files, name + Absmax).ToArray(), Singles(files, name + NestedAbsmax), mean, DynamicMap.Shared(Singles(files, name + NestedMap)))
            : new BlockScales(Singles(files, name + Absmax));
        return new Nf4Tensor(shape[0], shape[1], codes, scales);
    }

    /// <summary>
    /// Tensors to write; the weight is asked for when the first of them is written, and held until the last one is. The fp32 ones stand first, and blanks
    /// behind the state fill the last eight bytes, so that every tensor of the file is aligned.
    /// </summary>
    /// <param name="dataType">Type that bitsandbytes restores the weight to, as torch names it.</param>
    public static IReadOnlyList<SafetensorsTensor> Write(string name, long[] shape, bool doubleQuant, string dataType, Func<Nf4Tensor> read)
    {
        var (count, blocks) = (shape[0] * shape[1], Nf4.Blocks(shape[0] * shape[1]));
        Nf4Tensor? held = null;
        var tensors = new List<SafetensorsTensor>
        {
            Singles(Map, 16, () => Nf4.Levels.ToArray()),
        };
        if (doubleQuant)
        {
            tensors.Add(Singles(NestedMap, DynamicMap.Length, () => Tensor().Scales.Map));
            tensors.Add(Singles(NestedAbsmax, (blocks + BlockScales.NestedBlock - 1) / BlockScales.NestedBlock, () => Tensor().Scales.Values));
        }
        else tensors.Add(Singles(Absmax, blocks, () => Tensor().Scales.Values));
        tensors.Add(new(name, "U8", [(count + 1) / 2, 1], stream => stream.Write(Tensor().Codes)));
        if (doubleQuant) tensors.Add(new(name + Absmax, "U8", [blocks], stream => stream.Write(Tensor().Scales.Codes)));
        var stateLength = FourBitState.Length(dataType, shape, doubleQuant);
        var padding = (int)((8 - (tensors.Sum(tensor => tensor.Bytes) + stateLength) % 8) % 8);
        tensors.Add(new(name + State, "U8", [stateLength + padding], stream =>
        {
            stream.Write(new FourBitState(dataType, shape, doubleQuant ? Tensor().Scales.Mean : null).Write());
            for (var index = 0; index < padding; index++) stream.WriteByte((byte)' ');
            held = null;
        }));
        return tensors;

        Nf4Tensor Tensor() => held ??= read();

        SafetensorsTensor Singles(string suffix, long length, Func<float[]> values) =>
            new(name + suffix, "F32", [length], stream => stream.Write(MemoryMarshal.AsBytes<float>(values())));
    }

    // The mean of the scales, where they are in 8 bits.
    private static float? Open(string directory, HuggingFaceFiles files, string name, long[] shape)
    {
        if (OtherState(files, name) is { } other)
            throw new BadInputException(directory, $"tensor {name} is in 4 bits of another type ({other})",
                "take the checkpoint that it was made from; `tulu2 quantize` makes it NF4");
        var (count, blocks) = (shape[0] * shape[1], Nf4.Blocks(shape[0] * shape[1]));
        var (file, entry) = Find(directory, files, name);
        if (entry.DataType != "U8")
            throw new BadInputException(file.Path, $"tensor {name} has element type {entry.DataType} where the 4-bit codes stand in bytes (U8)",
                "save the model with bnb_4bit_quant_storage uint8");
        Expect(directory, files, name, "U8", (count + 1) / 2, 1);
        var (stateFile, text) = Find(directory, files, name + State);
        if (text.DataType != "U8") Expect(directory, files, name + State, "U8", text.Elements);
        var state = FourBitState.Parse(stateFile.Path, name + State, Bytes(files, name + State), Fix);
        if (!state.Shape.SequenceEqual(shape))
            throw new BadInputException(stateFile.Path,
                $"tensor {name + State} says that {name} has shape [{string.Join(", ", state.Shape)}], config.json asks for [{string.Join(", ", shape)}]",
                "use the config.json that belongs to these weights");
        Expect(directory, files, name + Map, "F32", Nf4.Levels.Length);
        if (!Singles(files, name + Map).AsSpan().SequenceEqual(Nf4.Levels))
            throw new BadInputException(file.Path, $"tensor {name + Map} does not hold the levels of NF4", Fix);
        if (state.Offset is null)
        {
            foreach (var suffix in (string[])[NestedAbsmax, NestedMap])
                if (files.Tensors.TryGetValue(name + suffix, out var left))
                    throw new BadInputException(left.File.Path,
                        $"tensor {name + suffix} is there, but {name + State} does not say that the scales are nested", Fix);
            Expect(directory, files, name + Absmax, "F32", blocks);
            CheckFinite(files, name + Absmax);
            return null;
        }
        Expect(directory, files, name + Absmax, "U8", blocks);
        Expect(directory, files, name + NestedAbsmax, "F32", (blocks + BlockScales.NestedBlock - 1) / BlockScales.NestedBlock);
        Expect(directory, files, name + NestedMap, "F32", DynamicMap.Length);
        CheckFinite(files, name + NestedAbsmax);
        CheckFinite(files, name + NestedMap);
        return state.Offset;
    }

    private static (ITensorFile File, SafetensorsEntry Entry) Find(string directory, HuggingFaceFiles files, string name) =>
        files.Tensors.TryGetValue(name, out var found) ? found : throw new BadInputException(directory, $"tensor {name} is missing", Fix);

    private static void Expect(string directory, HuggingFaceFiles files, string name, string dataType, params long[] shape)
    {
        var (file, entry) = Find(directory, files, name);
        if (entry.DataType != dataType || !entry.Shape.SequenceEqual(shape))
            throw new BadInputException(file.Path,
                $"tensor {name} is {entry.DataType} [{string.Join(", ", entry.Shape)}] where NF4 has {dataType} [{string.Join(", ", shape)}]", Fix);
    }

    private static void CheckFinite(HuggingFaceFiles files, string name)
    {
        foreach (var value in Singles(files, name))
            NonFiniteException.Check(value, () => ($"tensor {name}", "one of its elements"), NonFiniteException.BrokenWeights);
    }

    private static ReadOnlySpan<byte> Bytes(HuggingFaceFiles files, string name)
    {
        var (file, entry) = files.Tensors[name];
        return new ReadOnlySpan<byte>(file.Address(entry), checked((int)entry.Bytes));
    }

    private static float[] Singles(HuggingFaceFiles files, string name)
    {
        var values = new float[files.Tensors[name].Entry.Elements];
        Bytes(files, name).CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private static string? OtherState(HuggingFaceFiles files, string name) =>
        files.Tensors.ContainsKey(name + AnyState + "fp4") ? name + AnyState + "fp4" : null;
}
