using System.CommandLine;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.Families.Llama;
using Tulu2.Models.Parameters;

namespace Tulu2.Cli.Commands;

/// <summary>The options that give a measured model its shape and a step its size.</summary>
internal sealed class BenchShape
{
    /// <summary>Slots of a measured step of ranks.</summary>
    public const int Slots = 4;

    private readonly Option<int> _layers = CommandBuilder.Option("--layers", "Decoder layers", 4);
    private readonly Option<int> _hidden = CommandBuilder.Option("--hidden", "Hidden size", 512);
    private readonly Option<int> _heads = CommandBuilder.Option("--heads", "Attention heads", 8);
    private readonly Option<int> _keyValueHeads = CommandBuilder.Option("--kv-heads", "Key-value heads", 4);
    private readonly Option<int> _feed = CommandBuilder.Option("--ffn", "Size of the feed-forward layer", 1408);
    private readonly Option<int> _vocabulary = CommandBuilder.Option("--vocabulary", "Vocabulary size", 8192);
    private readonly Option<int> _sequences = CommandBuilder.Option("--sequences", "Sequences per step, with --layouts and in bench memory per slot; for DPO two make a pair", 4);
    private readonly Option<int> _length = CommandBuilder.Option("--length", "Tokens per sequence", 256);
    private readonly Option<int> _shards = CommandBuilder.Option("--virtual-shards", "Virtual shards", 4);

    public IReadOnlyList<Symbol> Symbols => [.. Options];

    private Option<int>[] Options => [_layers, _hidden, _heads, _keyValueHeads, _feed, _vocabulary, _sequences, _length, _shards];

    public int Sequences(ParseResult parsed) => parsed.GetValue(_sequences);

    public int Length(ParseResult parsed) => parsed.GetValue(_length);

    /// <param name="smaller">Sizes in place of the defaults, where none are given; null: the defaults.</param>
    /// <exception cref="BadInputException">Sizes that no model can have.</exception>
    public (ModelConfig Config, int VirtualShards) Model(ParseResult parsed, SmallerShape? smaller = null)
    {
        foreach (var option in Options) CommandBuilder.AtLeastOne(parsed, option);
        if (parsed.GetValue(_sequences) % 2 != 0) throw new BadInputException("--sequences", "two sequences make a pair of DPO", "use an even number");
        var hidden = Or(_hidden, smaller?.Hidden);
        if (hidden % parsed.GetValue(_heads) != 0) throw new BadInputException("--heads", "does not divide --hidden", "use a divisor");
        if (parsed.GetValue(_heads) % parsed.GetValue(_keyValueHeads) != 0)
            throw new BadInputException("--kv-heads", "does not divide --heads", "use a divisor");
        if (!int.IsPow2(parsed.GetValue(_shards))) throw new BadInputException("--virtual-shards", "is not a power of two", "use 1, 2, 4 or 8");
        var config = new LlamaConfig
        {
            HiddenSize = hidden,
            IntermediateSize = Or(_feed, smaller?.Feed),
            Layers = Or(_layers, smaller?.Layers),
            Heads = parsed.GetValue(_heads),
            KeyValueHeads = parsed.GetValue(_keyValueHeads),
            HeadSize = hidden / parsed.GetValue(_heads),
            VocabularySize = Or(_vocabulary, smaller?.Vocabulary),
        };
        return (config, ParameterMap.LargestVirtualShards(config, parsed.GetValue(_shards)));

        int Or(Option<int> option, int? size) => size is { } otherwise && !CommandBuilder.IsGiven(parsed, option) ? otherwise : parsed.GetValue(option);
    }
}

/// <summary>Sizes of a model where a command has defaults of its own.</summary>
internal sealed record SmallerShape(int Hidden, int Feed, int Vocabulary)
{
    /// <summary>Null: the default.</summary>
    public int? Layers { get; init; }
}
