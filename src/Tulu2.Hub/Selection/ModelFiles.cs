using System.Text.RegularExpressions;
using Tulu2.Files;

namespace Tulu2.Hub.Selection;

/// <summary>Which files of a model's repository are needed to train or run it. Pure.</summary>
public static partial class ModelFiles
{
    private const string Config = "config.json", Adapter = "adapter_config.json";

    private static readonly string[] TokenizerNames =
    [
        "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
        "chat_template.json",
        "vocab.json", "merges.txt",
    ];

    private static readonly string[] Configs = [Config, "generation_config.json"];

    /// <summary>
    /// Config, tokenizer and weights: safetensors, or PyTorch's files where there are none; the single file where there are shards too, as transformers
    /// reads.
    /// </summary>
    /// <exception cref="BadInputException">The repository has no config.json or no such weights.</exception>
    public static IReadOnlyList<string> Whole(string repository, IReadOnlyList<string> names)
    {
        if (!names.Contains(Config))
            throw names.Contains(Adapter)
                ? new BadInputException(repository, "is an adapter, not a model", "merge it into its base (peft: merge_and_unload), and use the result")
                : new BadInputException(repository, $"has no {Config}: it is not a model in Hugging Face's form",
                    "name another repository, or say with --include what to fetch");
        var weights = Weights(names);
        if (weights.Count == 0)
            throw new BadInputException(repository, $"has neither model*.safetensors nor pytorch_model*.bin{Others(names)}",
                "name a repository with weights in one of these forms, or say with --include what to fetch");
        return Ordered(names, name => Configs.Contains(name) || TokenizerNames.Contains(name) || weights.Contains(name));
    }

    /// <summary>The tokenizer's files.</summary>
    /// <exception cref="BadInputException">There are none.</exception>
    public static IReadOnlyList<string> Tokenizer(string repository, IReadOnlyList<string> names)
    {
        if (!names.Contains("tokenizer.json") && !names.Contains("tokenizer.model"))
            throw new BadInputException(repository, "has neither tokenizer.json nor tokenizer.model", "name a repository that has one of them");
        return Ordered(names, TokenizerNames.Contains);
    }

    /// <summary>What an export of trained weights takes from the model that they began as: config and tokenizer.</summary>
    /// <exception cref="BadInputException">There is no config.json.</exception>
    public static IReadOnlyList<string> WithoutWeights(string repository, IReadOnlyList<string> names) =>
        [.. Shape(repository, names).Concat(Ordered(names, name => (Configs.Contains(name) && name != Config) || TokenizerNames.Contains(name)))];

    /// <summary>The model's shape alone.</summary>
    /// <exception cref="BadInputException">There is no config.json.</exception>
    public static IReadOnlyList<string> Shape(string repository, IReadOnlyList<string> names) => names.Contains(Config) ? [Config]
        : throw new BadInputException(repository, $"has no {Config}", "name a repository with a model in Hugging Face's form");

    private static HashSet<string> Weights(IReadOnlyList<string> names)
    {
        foreach (var (single, index, shard) in new[]
        {
            ("model.safetensors", "model.safetensors.index.json", SafetensorsShard()),
            ("pytorch_model.bin", "pytorch_model.bin.index.json", TorchShard()),
        })
        {
            if (names.Contains(single)) return [single];
            if (names.Contains(index) && names.Any(shard.IsMatch)) return [index, .. names.Where(name => shard.IsMatch(name))];
        }
        return [];
    }

    private static IReadOnlyList<string> Ordered(IReadOnlyList<string> names, Func<string, bool> isWanted) =>
        [.. names.Where(isWanted).Order(StringComparer.Ordinal)];

    private static string Others(IReadOnlyList<string> names) =>
        names.FirstOrDefault(name => OtherWeights().IsMatch(name)) is { } other ? $"; it has {other}" : "";

    [GeneratedRegex(@"\Amodel-\d+-of-\d+\.safetensors\z")]
    private static partial Regex SafetensorsShard();

    [GeneratedRegex(@"\Apytorch_model-\d+-of-\d+\.bin\z")]
    private static partial Regex TorchShard();

    [GeneratedRegex(@"\.(gguf|pth|pt|bin|safetensors|msgpack|h5|onnx)\z")]
    private static partial Regex OtherWeights();
}
