using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Classifiers;

/// <summary>A dense layer: y = x W^T + b.</summary>
/// <param name="Weight">[outputs, inputs].</param>
/// <param name="Bias">[outputs].</param>
internal sealed record Dense(Tensor Weight, Tensor Bias);

/// <summary>A layer norm's scale and shift, each [hidden].</summary>
internal sealed record Norm(Tensor Scale, Tensor Shift);

/// <summary>One encoder layer. Query, key and value are one dense layer of 3 x hidden outputs, in this order.</summary>
internal sealed record EncoderLayer(Dense QueryKeyValue, Dense AttentionOut, Norm AttentionNorm, Dense Up, Dense Down, Norm OutputNorm);

/// <summary>
/// A RoBERTa classifier's weights in fp32, read from Hugging Face's files (names of <c>RobertaForSequenceClassification</c>). Tensors that a classifier does
/// not
/// use (a pooler, a language model's head, the buffer of position ids) are not read.
/// </summary>
internal sealed class RobertaWeights : IDisposable
{
    private readonly List<Tensor> _owned = [];

    private RobertaWeights(HuggingFaceFiles files, string directory, RobertaConfig config)
    {
        const string embeddings = "roberta.embeddings.";
        long hidden = config.HiddenSize, inner = config.IntermediateSize;
        Words = Read(embeddings + "word_embeddings.weight", config.VocabularySize, hidden);
        Positions = Read(embeddings + "position_embeddings.weight", config.Positions, hidden);
        TokenTypes = Read(embeddings + "token_type_embeddings.weight", config.TokenTypes, hidden);
        EmbeddingNorm = ReadNorm(embeddings + "LayerNorm");
        Layers = [.. Enumerable.Range(0, config.Layers).Select(ReadLayer)];
        HeadDense = ReadDense("classifier.dense", hidden, hidden);
        HeadOut = ReadDense("classifier.out_proj", config.Labels.Count, hidden);

        EncoderLayer ReadLayer(int number)
        {
            var layer = $"roberta.encoder.layer.{number}.";
            return new EncoderLayer(
                ReadStacked([.. ((string[])["query", "key", "value"]).Select(part => $"{layer}attention.self.{part}")]),
                ReadDense(layer + "attention.output.dense", hidden, hidden), ReadNorm(layer + "attention.output.LayerNorm"),
                ReadDense(layer + "intermediate.dense", inner, hidden), ReadDense(layer + "output.dense", hidden, inner), ReadNorm(layer + "output.LayerNorm"));
        }

        Dense ReadDense(string name, long outputs, long inputs) => new(Read(name + ".weight", outputs, inputs), Read(name + ".bias", outputs));

        // One product instead of three.
        Dense ReadStacked(string[] names)
        {
            var dense = new Dense(New(names.Length * hidden, hidden), New(names.Length * hidden));
            for (var part = 0; part < names.Length; part++)
            {
                Fill(dense.Weight, part * hidden * hidden, names[part] + ".weight", hidden, hidden);
                Fill(dense.Bias, part * hidden, names[part] + ".bias", hidden);
            }
            return dense;
        }

        // Checkpoints that were once converted from TensorFlow have the older names.
        Norm ReadNorm(string name) => files.Tensors.ContainsKey(name + ".gamma")
            ? new(Read(name + ".gamma", hidden), Read(name + ".beta", hidden))
            : new(Read(name + ".weight", hidden), Read(name + ".bias", hidden));

        Tensor New(params long[] shape)
        {
            var tensor = empty(shape, dtype: ScalarType.Float32).DetachFromDisposeScope();
            _owned.Add(tensor);
            return tensor;
        }

        Tensor Read(string name, params long[] shape)
        {
            var tensor = New(shape);
            Fill(tensor, 0, name, shape);
            return tensor;
        }

        unsafe void Fill(Tensor tensor, long offset, string name, params long[] shape)
        {
            if (!files.Tensors.TryGetValue(name, out var found))
                throw new BadInputException(directory, $"holds no tensor {name}, which a RoBERTa sequence classifier has",
                    "give the fine-tuned classifier, not the model that it was made from");
            if (!found.Entry.Shape.AsSpan().SequenceEqual(shape))
                throw new BadInputException(found.File.Path,
                    $"tensor {name} has the shape [{string.Join(", ", found.Entry.Shape)}], but config.json asks for [{string.Join(", ", shape)}]",
                    "copy config.json and the weights from the same model");
            if (!SafetensorsTypes.IsFloat(found.Entry.DataType))
                throw new BadInputException(found.File.Path, $"tensor {name} has elements of type {found.Entry.DataType}", "give weights in F32, F16 or BF16");
            SafetensorsTypes.ToSingle(found.Entry.DataType, found.File.Address(found.Entry),
                new Span<float>(Aten.Address<float>(tensor) + offset, checked((int)found.Entry.Elements)));
        }
    }

    /// <summary>[vocabulary, hidden].</summary>
    public Tensor Words { get; }

    /// <summary>[positions, hidden].</summary>
    public Tensor Positions { get; }

    /// <summary>[types, hidden]; a single text is of type 0.</summary>
    public Tensor TokenTypes { get; }

    public Norm EmbeddingNorm { get; }
    public IReadOnlyList<EncoderLayer> Layers { get; }
    public Dense HeadDense { get; }
    public Dense HeadOut { get; }

    /// <exception cref="BadInputException">The directory holds no weights, or not those of such a classifier.</exception>
    public static RobertaWeights Read(string directory, RobertaConfig config)
    {
        using var files = new HuggingFaceFiles(directory);
        return new RobertaWeights(files, directory, config);
    }

    public void Dispose() => _owned.ForEach(tensor => tensor.Dispose());
}
