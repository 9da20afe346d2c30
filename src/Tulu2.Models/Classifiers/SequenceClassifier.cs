using Tulu2.Data.Tokenizers;
using Tulu2.Files;
using Tulu2.Models.HuggingFace;
using static TorchSharp.torch;

namespace Tulu2.Models.Classifiers;

/// <summary>
/// Classifies texts with a RoBERTa sequence classifier from its Hugging Face directory (<c>config.json</c>; <c>tokenizer.json</c>, or <c>vocab.json</c> with
/// <c>merges.txt</c>; <c>model.safetensors</c> or <c>pytorch_model.bin</c>). Computes in fp32 on the CPU with one thread. Not thread-safe.
/// </summary>
/// <remarks>
/// A text's logits depend on the others of its batch only by rounding: a matrix product of more rows may add in another order (differences of about 1e-6).
/// Argmax is stable but for
/// ties of that size.
/// </remarks>
public sealed class SequenceClassifier : IDisposable
{
    // More rows make the products no faster on one core; the bound keeps the memory of a batch (about 100 MB for RoBERTa-large).
    private const int TokensPerBatch = 2048;

    private readonly RobertaConfig _config;
    private readonly ByteLevelBpeTokenizer _tokenizer;
    private readonly RobertaWeights _weights;

    private SequenceClassifier(RobertaConfig config, ByteLevelBpeTokenizer tokenizer, RobertaWeights weights, string id) =>
        (_config, _tokenizer, _weights, Id) = (config, tokenizer, weights, id);

    /// <summary>What identifies the classifier in results: the directory's name and the first 12 digits of the SHA-256 of its weights.</summary>
    public string Id { get; }

    /// <summary>Names of the classes, by id.</summary>
    public IReadOnlyList<string> Labels => _config.Labels;

    /// <summary>Maximum number of tokens of a text, special tokens included; longer texts lose their end.</summary>
    public int MaxLength => _config.MaxLength;

    /// <exception cref="BadInputException">A file is missing, broken, or of another kind of model.</exception>
    public static SequenceClassifier Load(string directory)
    {
        var config = RobertaConfig.Read(directory);
        var tokenizer = ByteLevelBpeTokenizer.Load(directory);
        if (tokenizer.VocabularySize > config.VocabularySize)
            throw new BadInputException(directory, $"its tokenizer has {tokenizer.VocabularySize} ids, but the model only {config.VocabularySize}",
                "copy all files from the same model");
        return new SequenceClassifier(config, tokenizer, RobertaWeights.Read(directory, config), IdOf(directory));
    }

    /// <summary>The logits of each text, [texts][classes].</summary>
    public IReadOnlyList<float[]> Logits(IReadOnlyList<string> texts, CancellationToken cancellation = default)
    {
        // OpenMP stores this setting per thread, and more of them are slower where others share the cores.
        set_num_threads(1);
        var ids = texts.Select(text => _tokenizer.EncodeSequence(text, MaxLength)).ToArray();
        var result = new float[texts.Count][];
        for (var first = 0; first < ids.Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            var end = first + 1;
            for (var tokens = ids[first].Length; end < ids.Length && tokens + ids[end].Length <= TokensPerBatch; end++) tokens += ids[end].Length;
            using var logits_RC = RobertaEncoder.Logits(_config, _weights, ids[first..end]);
            var values = logits_RC.data<float>().ToArray();
            for (var row = first; row < end; row++) result[row] = values[((row - first) * Labels.Count)..((row - first + 1) * Labels.Count)];
            first = end;
        }
        return result;
    }

    /// <summary>The class of each text: the largest logit, the lowest id among equals.</summary>
    /// <exception cref="NonFiniteException">The weights are broken.</exception>
    public IReadOnlyList<int> Classify(IReadOnlyList<string> texts, CancellationToken cancellation = default) =>
        [.. Logits(texts, cancellation).Select(Largest)];

    /// <summary>The probability of a class, from a text's logits.</summary>
    public static double Probability(IReadOnlyList<float> logits, int label)
    {
        double largest = logits.Max();
        return Math.Exp(logits[label] - largest) / logits.Sum(value => Math.Exp(value - largest));
    }

    public void Dispose() => _weights.Dispose();

    private static int Largest(float[] logits)
    {
        foreach (var value in logits) NonFiniteException.Check(value, () => ("the classifier", "a logit"), NonFiniteException.BrokenWeights);
        return Array.IndexOf(logits, logits.Max());
    }

    private static string IdOf(string directory)
    {
        using var files = new HuggingFaceFiles(directory);
        var hash = ContentHash.OfParts(files.Paths.Select(ContentHash.OfFile));
        return $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)))}@{hash[..12]}";
    }
}
