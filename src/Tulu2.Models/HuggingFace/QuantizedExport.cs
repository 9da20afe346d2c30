using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;
using Tulu2.Models.Families;

namespace Tulu2.Models.HuggingFace;

/// <summary>Sizes of a model before and after it was quantised, in bytes.</summary>
/// <param name="Matrices">Linears in NF4.</param>
/// <param name="MatrixElements">Their weights.</param>
/// <param name="MatrixBytes">Their codes and scales.</param>
/// <param name="Before">Of the weight files that were read.</param>
/// <param name="After">Of those that were written.</param>
public sealed record QuantizedSizes(int Matrices, long MatrixElements, long MatrixBytes, long Before, long After)
{
    public double BitsPerWeight => 8.0 * MatrixBytes / MatrixElements;
}

/// <summary>
/// Writes a checkpoint directory with its linears in NF4, as <c>transformers</c> loads it with bitsandbytes (docs/quantization.md), one tensor in memory at a
/// time.
/// </summary>
public static unsafe class QuantizedExport
{
    // Copied as they are: what the directory needs beside config and weights.
    private static readonly string[] Beside =
    [
        HuggingFaceExport.Generation, "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "chat_template.jinja", "chat_template.json", "vocab.json", "merges.txt",
    ];

    /// <summary>
    /// The directory appears whole or not at all. An earlier export is replaced; a directory that holds anything else is left as it is. Linears that are in
    /// NF4 already are copied.
    /// </summary>
    /// <param name="source">Directory of a model in any form that is read.</param>
    /// <param name="dataType">F32, F16 or BF16: of embedding, norms and head, and the one that bitsandbytes restores linears to.</param>
    /// <param name="doubleQuant">Scales in 8 bits.</param>
    /// <param name="progress">Tensors done, and all.</param>
    /// <exception cref="BadInputException">
    /// The source cannot be read, or is quantised in another form; the directory is the source, or holds what no export writes; a value that the type cannot
    /// hold.
    /// </exception>
    /// <exception cref="NonFiniteException">A weight is NaN or infinite.</exception>
    public static QuantizedSizes Write(
        string source, string directory, string dataType, bool doubleQuant, Action<int, int>? progress = null,
        long shardBytes = HuggingFaceExport.DefaultShardBytes)
    {
        if (!SafetensorsTypes.IsFloat(dataType))
            throw new BadInputException(dataType, "weights of this element type cannot be written", "choose F32, F16 or BF16");
        var config = HuggingFaceConfig.Read(source);
        using var files = new HuggingFaceFiles(source);
        HuggingFaceModel.Check(source, files, config);
        var fourBit = FourBitTensors.Of(files, config);
        foreach (var name in fourBit.Order(StringComparer.Ordinal)) CheckForm(source, files, name, doubleQuant);
        var tensors = config.Family.Tensors(config);
        var (done, matrixBytes) = (0, 0L);
        var after = 0L;
        ExportDirectory.Write(directory, source, part =>
        {
            AtomicFile.WriteAllText(
                Path.Combine(part, HuggingFaceConfig.FileName),
                HuggingFaceConfig.Write(config, dataType, Path.Combine(source, HuggingFaceConfig.FileName), doubleQuant));
            ExportDirectory.WriteWeights(part, tensors.Select(Group), shardBytes);
            after = Directory.EnumerateFiles(part, "*.safetensors").Sum(path => new FileInfo(path).Length);
            CopyBeside(source, part);
        });
        var linears = tensors.Where(tensor => tensor.IsLinear).ToArray();
        return new QuantizedSizes(linears.Length, linears.Sum(tensor => tensor.Length), matrixBytes, files.Paths.Sum(FileLength.Of), after);

        IReadOnlyList<SafetensorsTensor> Group(ModelTensor tensor)
        {
            if (!tensor.IsLinear)
                return
                [
                    HuggingFaceExport.Tensor(tensor.Name, tensor.Shape, dataType, (_, _, destination) =>
                    {
                        HuggingFaceModel.ReadWhole(files, tensor, (float*)destination);
                        progress?.Invoke(++done, tensors.Count);
                    }),
                ];
            return FourBitTensors.Write(tensor.Name, tensor.Shape, doubleQuant, HuggingFaceConfig.TypeName(dataType), () =>
            {
                var quantized = HuggingFaceModel.ReadQuantized(source, files, tensor, fourBit, doubleQuant);
                matrixBytes += quantized.SizeInBytes;
                progress?.Invoke(++done, tensors.Count);
                return quantized;
            });
        }
    }

    /// <summary>Copies what a model's directory holds beside config and weights.</summary>
    internal static void CopyBeside(string source, string directory)
    {
        foreach (var name in Beside)
            if (Path.Combine(source, name) is var path && File.Exists(path)) AtomicFile.WriteAllBytes(Path.Combine(directory, name), File.ReadAllBytes(path));
    }

    // Scales of the other kind would have to be restored and quantised once more.
    private static void CheckForm(string source, HuggingFaceFiles files, string name, bool doubleQuant)
    {
        if (FourBitTensors.IsDoubleQuantized(files, name) != doubleQuant)
            throw new BadInputException(source, $"is quantised already, with scales in {(doubleQuant ? "fp32" : "8 bits")} (tensor {name})",
                $"{(doubleQuant ? "add" : "leave out")} --no-double-quant, or quantise the checkpoint that it was made from");
    }
}
