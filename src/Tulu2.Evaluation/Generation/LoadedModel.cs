using System.Text.Json;
using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Shards;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Inference;

namespace Tulu2.Evaluation.Generation;

/// <summary>
/// A model loaded from a Hugging Face directory, perhaps with adapters beside it: weights for inference, tokenizer, chat template. Nothing in it changes.
/// </summary>
public sealed class LoadedModel : IDisposable
{
    private LoadedModel(string name, ModelConfig config, SentencePieceBpeTokenizer tokenizer, IReadOnlySet<int> endIds, InferenceModel model, ShardTeam? team,
        IReadOnlyList<string> remarks)
    {
        (Name, Config, Tokenizer, EndIds, Model, Team, Remarks) = (name, config, tokenizer, endIds, model, team, remarks);
        Prompts = PromptsOf(config, tokenizer);
    }

    /// <summary>As <see cref="Load"/> was given it.</summary>
    public string Name { get; }
    public ModelConfig Config { get; }
    public SentencePieceBpeTokenizer Tokenizer { get; }

    /// <summary>Encodes dialogues, truncated to the model's context.</summary>
    public ChatEncoder Chat => Prompts.Chat;

    /// <summary>Encodes what benchmarks ask.</summary>
    public PromptEncoder Prompts { get; }

    /// <summary>Tokens that end an answer: the end tokens of config.json, the tokenizer and generation_config.json.</summary>
    public IReadOnlySet<int> EndIds { get; }

    /// <summary>Remarks for the user: unused files in the directory, a vocabulary that differs from the tokenizer's.</summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <summary>The whole model, or its first shard.</summary>
    public InferenceModel Model { get; }

    /// <summary>The processes of the other shards; null: the model is whole.</summary>
    internal ShardTeam? Team { get; }

    /// <param name="name">As <see cref="ModelFolders.Parse"/> takes it.</param>
    /// <param name="loading">Null: the defaults.</param>
    /// <exception cref="BadInputException">A directory does not exist, or a file in it cannot be used.</exception>
    public static LoadedModel Load(string name, ModelLoading? loading = null)
    {
        loading ??= new ModelLoading();
        var folders = ModelFolders.Parse(name);
        var (config, tokenizer, remarks) = Open(folders);
        InferenceShard.Check(name, config, loading.Shards);
        HashSet<int> ends = [config.EndId, tokenizer.EndId, .. GenerationEndIds(Path.Combine(folders.Model, "generation_config.json"))];
        // The others read their parts meanwhile.
        var team = loading.Shards == 1 ? null : ShardTeam.Start(new ShardOrder(folders.Full.Text, loading.Precision, loading.Shards) { Content = folders.Content }, loading.Hosting!);
        try
        {
            var shard = new InferenceShard(0, loading.Shards);
            return new LoadedModel(name, config, tokenizer, ends, InferenceModel.Load(folders.Model, config, folders.Adapter, loading.Precision, shard), team, remarks);
        }
        catch
        {
            team?.Dispose();
            throw;
        }
    }

    /// <summary>A shard of the weights, as <see cref="Load"/> reads them.</summary>
    /// <exception cref="BadInputException">As <see cref="Load"/>; or the files are others than those of the first shard.</exception>
    internal static InferenceModel LoadShard(ShardOrder order, InferenceShard shard)
    {
        var folders = ModelFolders.Parse(order.Model);
        if (folders.Content != order.Content)
            throw new BadInputException(order.Model, "has other files than those that the first shard was read from", "give all shards the same directory, and load the model again");
        return InferenceModel.Load(folders.Model, Open(folders).Config, folders.Adapter, order.Precision, shard);
    }

    /// <summary>Validates a model as <see cref="Load"/> does, without reading the weights, and returns its <see cref="Remarks"/>.</summary>
    /// <exception cref="BadInputException">As <see cref="Load"/>.</exception>
    /// <param name="shards">Processes that are to hold it.</param>
    public static IReadOnlyList<string> Check(string name, int shards = 1)
    {
        var (config, _, remarks) = Open(ModelFolders.Parse(name));
        InferenceShard.Check(name, config, shards);
        return remarks;
    }

    /// <summary><see cref="Chat"/> without the weights and without torch.</summary>
    /// <exception cref="BadInputException">The directory does not exist, or its configuration or tokenizer cannot be used.</exception>
    public static ChatEncoder ReadChat(string name) => ReadPrompts(name).Chat;

    /// <summary><see cref="Prompts"/> without the weights and without torch.</summary>
    /// <exception cref="BadInputException">As <see cref="ReadChat"/>.</exception>
    public static PromptEncoder ReadPrompts(string name)
    {
        var (config, tokenizer, _) = Open(ModelFolders.Parse(name));
        return PromptsOf(config, tokenizer);
    }

    private static PromptEncoder PromptsOf(ModelConfig config, SentencePieceBpeTokenizer tokenizer) =>
        new(new ChatEncoder(ChatTokenizer.Of(tokenizer), ChatForm.Default, config.MaxPositions), tokenizer);

    public void Dispose()
    {
        Team?.Dispose();
        Model.Dispose();
    }

    private static (ModelConfig Config, SentencePieceBpeTokenizer Tokenizer, IReadOnlyList<string> Remarks) Open(ModelFolders folders)
    {
        var directory = folders.Model;
        var config = HuggingFaceModel.ReadConfig(directory);
        var tokenizer = SentencePieceBpeTokenizer.Load(directory);
        config = config with { UsedVocabulary = tokenizer.VocabularySize };
        using var adapter = folders.Adapter is null ? null : AdapterFolder.Open(folders.Adapter);
        adapter?.SettingsFor(config);
        return (config, tokenizer, [
            .. HuggingFaceModel.CheckWeights(directory, config), .. VocabularyRemark.Of(config.VocabularySize, tokenizer.VocabularySize),
            .. adapter is null ? [] : ModelFolders.Remarks(adapter, directory)]);
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
