using System.Text.Json;
using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;
using Tulu2.Files;
using Tulu2.Models.Decoder;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Training.Optimization;
using static TorchSharp.torch;

namespace Tulu2.Evaluation.Generation;

/// <summary>A model loaded from a Hugging Face directory: fp32 weights, tokenizer, chat template. For one thread at a time.</summary>
public sealed class LoadedModel : IDisposable
{
    private readonly Tensor _weights;

    private LoadedModel(
        string directory, ModelConfig config, SentencePieceBpeTokenizer tokenizer, IReadOnlySet<int> endIds, ParameterMap map, IReadOnlyList<string> remarks)
    {
        (Directory, Config, Tokenizer, EndIds, Remarks) = (directory, config, tokenizer, endIds, remarks);
        Chat = ChatOf(config, tokenizer);
        _weights = zeros([map.Length], dtype: ScalarType.Float32).DetachFromDisposeScope();
        try
        {
            HuggingFaceModel.ReadWeights(directory, map, FlatMemory.Address(_weights));
            Model = new DecoderModel(map, _weights);
        }
        catch
        {
            _weights.Dispose();
            throw;
        }
    }

    public string Directory { get; }
    public ModelConfig Config { get; }
    public SentencePieceBpeTokenizer Tokenizer { get; }

    /// <summary>Encodes dialogues, truncated to the model's context.</summary>
    public ChatEncoder Chat { get; }

    /// <summary>Tokens that end an answer: the end tokens of config.json, the tokenizer and generation_config.json.</summary>
    public IReadOnlySet<int> EndIds { get; }

    /// <summary>Remarks for the user: unused files in the directory, a vocabulary that differs from the tokenizer's.</summary>
    public IReadOnlyList<string> Remarks { get; }

    internal DecoderModel Model { get; }

    /// <param name="virtualShards">
    /// Number of virtual shards, lowered where the model's dimensions require it; the default is that of training, for equal bits.
    /// </param>
    /// <exception cref="BadInputException">The directory does not exist, or a file in it cannot be used.</exception>
    public static LoadedModel Load(string directory, int virtualShards = 4)
    {
        var (config, tokenizer, remarks) = Open(directory);
        HashSet<int> ends = [config.EndId, tokenizer.EndId, .. GenerationEndIds(Path.Combine(directory, "generation_config.json"))];
        return new LoadedModel(directory, config, tokenizer, ends, new ParameterMap(config, ParameterMap.LargestVirtualShards(config, virtualShards)), remarks);
    }

    /// <summary>Validates a directory as <see cref="Load"/> does, without reading the weights, and returns its <see cref="Remarks"/>.</summary>
    /// <exception cref="BadInputException">As <see cref="Load"/>.</exception>
    public static IReadOnlyList<string> Check(string directory) => Open(directory).Remarks;

    /// <summary><see cref="Chat"/> without the weights and without torch.</summary>
    /// <exception cref="BadInputException">The directory does not exist, or its configuration or tokenizer cannot be used.</exception>
    public static ChatEncoder ReadChat(string directory)
    {
        var (config, tokenizer, _) = Open(directory);
        return ChatOf(config, tokenizer);
    }

    private static ChatEncoder ChatOf(ModelConfig config, SentencePieceBpeTokenizer tokenizer) =>
        new(ChatTokenizer.Of(tokenizer), ChatForm.Default, config.MaxPositions);

    public void Dispose()
    {
        Model.Dispose();
        _weights.Dispose();
    }

    private static (ModelConfig Config, SentencePieceBpeTokenizer Tokenizer, IReadOnlyList<string> Remarks) Open(string directory)
    {
        var config = HuggingFaceModel.ReadConfig(directory);
        var tokenizer = SentencePieceBpeTokenizer.Load(directory);
        config = config with { UsedVocabulary = tokenizer.VocabularySize };
        return (config, tokenizer, [.. HuggingFaceModel.CheckWeights(directory, config), .. VocabularyRemark.Of(config.VocabularySize, tokenizer.VocabularySize)]);
    }

    /// <summary><c>eos_token_id</c>: a number, a list of numbers, or absent.</summary>
    private static IReadOnlyList<int> GenerationEndIds(string path)
    {
        if (!File.Exists(path)) return [];
        using var json = JsonFile.OpenObject(path);
        try
        {
            if (!json.RootElement.TryGetProperty("eos_token_id", out var ids)) return [];
            return ids.ValueKind switch
            {
                JsonValueKind.Number => [ids.GetInt32()],
                JsonValueKind.Array => [.. ids.EnumerateArray().Select(id => id.GetInt32())],
                _ => [],
            };
        }
        catch (Exception error) when (error is InvalidOperationException or FormatException)
        {
            throw new BadInputException($"{path}: eos_token_id", "is neither an id nor a list of ids", "restore or delete the file", error);
        }
    }
}
