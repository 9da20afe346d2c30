using System.Text.Json;
using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;
using Tulu2.Files;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Llama;
using Tulu2.Training.Optimization;
using static TorchSharp.torch;

namespace Tulu2.Evaluation.Generation;

/// <summary>A Hugging Face directory ready to compute: fp32 weights, tokenizer, chat template. For one thread at a time.</summary>
public sealed class LoadedModel : IDisposable
{
    private readonly Tensor _weights;

    private LoadedModel(string directory, LlamaConfig config, SentencePieceBpeTokenizer tokenizer, IReadOnlySet<int> endIds, FlatLayout layout)
    {
        (Directory, Config, Tokenizer, EndIds) = (directory, config, tokenizer, endIds);
        var chat = new ChatTokenizer((text, boundary) => tokenizer.EncodeText(text, boundary), tokenizer.BeginningId, tokenizer.EndId, tokenizer.ContentKey);
        Chat = new ChatEncoder(chat, ChatForm.Default, config.MaxPositions);
        _weights = zeros([layout.Length], dtype: ScalarType.Float32).DetachFromDisposeScope();
        try
        {
            HuggingFaceModel.ReadWeights(directory, layout, FlatMemory.Address(_weights));
            Model = new LlamaModel(layout, _weights);
        }
        catch
        {
            _weights.Dispose();
            throw;
        }
    }

    public string Directory { get; }
    public LlamaConfig Config { get; }
    public SentencePieceBpeTokenizer Tokenizer { get; }

    /// <summary>Cuts at the model's context length.</summary>
    public ChatEncoder Chat { get; }

    /// <summary>Tokens that end an answer: config.json's, the tokenizer's and those of generation_config.json.</summary>
    public IReadOnlySet<int> EndIds { get; }

    internal LlamaModel Model { get; }

    /// <param name="virtualShards">V of the numerics, lowered where the model's dimensions ask for it: training's default gives training's bits.</param>
    /// <exception cref="BadInputException">No such directory, or a file in it cannot be used; a tokenizer with more ids than the model.</exception>
    public static LoadedModel Load(string directory, int virtualShards = 4)
    {
        var config = HuggingFaceModel.ReadConfig(directory);
        var tokenizer = SentencePieceBpeTokenizer.Load(directory);
        if (tokenizer.VocabularySize > config.VocabularySize)
            throw new BadInputException(directory, $"its tokenizer has {tokenizer.VocabularySize} ids but its model only {config.VocabularySize}", "put the model's own tokenizer files there");
        HashSet<int> ends = [config.EndId, tokenizer.EndId, .. GenerationEndIds(Path.Combine(directory, "generation_config.json"))];
        return new LoadedModel(directory, config, tokenizer, ends, new FlatLayout(config, FlatLayout.LargestVirtualShards(config, virtualShards)));
    }

    public void Dispose()
    {
        Model.Dispose();
        _weights.Dispose();
    }

    /// <summary><c>eos_token_id</c>: a number, a list of numbers, or absent.</summary>
    private static IReadOnlyList<int> GenerationEndIds(string path)
    {
        if (!File.Exists(path)) return [];
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            if (!json.RootElement.TryGetProperty("eos_token_id", out var ids)) return [];
            return ids.ValueKind switch
            {
                JsonValueKind.Number => [ids.GetInt32()],
                JsonValueKind.Array => [.. ids.EnumerateArray().Select(id => id.GetInt32())],
                _ => [],
            };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw new BadInputException(path, $"cannot be read ({error.Message})", "restore or delete it", error);
        }
    }
}
