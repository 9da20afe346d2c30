using System.CommandLine;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Tulu2.Models.Inference;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Commands;

/// <summary>Options of the commands that generate text.</summary>
internal sealed class GenerationFlags(int maxTokens, double temperature)
{
    private readonly Option<int> _maxTokens = CommandBuilder.Option("--max-tokens", "Maximum number of tokens to generate", maxTokens);
    private readonly Option<double> _temperature = CommandBuilder.Option("--temperature", "Sampling temperature; 0: greedy, 1: the model's own distribution",
        temperature);
    private readonly Option<double> _topP = CommandBuilder.Option("--top-p", "Sample from the smallest set of most likely tokens that reaches this probability",
        1.0);
    private readonly Option<int> _topK = CommandBuilder.Option("--top-k", "Sample from this many most likely tokens; 0: from all", 0);
    private readonly Option<double> _penalty = CommandBuilder.Option("--repetition-penalty",
        "Make tokens less likely that were there already; 1: no penalty", 1.0);
    private readonly Option<Precision?> _precision = CommandBuilder.Optional<Precision?>("--precision",
        "Hold the weights in fp32 or bf16; without it, as the files do");
    private readonly Option<int> _threads = CommandBuilder.Option("--threads", "Threads that compute, in each process", 1);
    private readonly ShardFlags _shards = new();
    private readonly Option<long?> _seed = CommandBuilder.Optional<long?>("--seed", "Seed for sampling");
    private readonly Option<string[]> _stop = CommandBuilder.Repeated("--stop", "Stop before this string; may be repeated");

    public IReadOnlyList<Symbol> Symbols => [_maxTokens, _temperature, _topP, _topK, _penalty, _seed, _stop, _precision, _threads, .. _shards.Symbols];

    public GenerationOptions Read(ParseResult parsed) => new()
    {
        MaxTokens = parsed.GetValue(_maxTokens),
        Temperature = parsed.GetValue(_temperature),
        TopP = parsed.GetValue(_topP),
        TopK = parsed.GetValue(_topK),
        RepetitionPenalty = parsed.GetValue(_penalty),
        Seed = parsed.GetValue(_seed),
        Stop = parsed.GetValue(_stop) ?? [],
    };

    /// <summary>Loads a model as the options say.</summary>
    /// <param name="say">Takes what is to be known of the processes that hold the model.</param>
    public TextGenerator Load(ParseResult parsed, string model, Action<string> say) => TextGenerator.Load(model,
        ShardFlags.Loading(_shards.Read(parsed), Precisions(parsed.GetValue(_precision)), say), maxBatch: 1, CommandBuilder.AtLeastOne(parsed, _threads));

    public static InferencePrecision Precisions(Precision? precision) => precision switch
    {
        Precision.Fp32 => InferencePrecision.Single,
        Precision.Bf16 => InferencePrecision.Brain,
        _ => InferencePrecision.Stored,
    };
}
