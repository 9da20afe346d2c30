using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>The input of a benchmark.</summary>
/// <param name="Path">A file or directory.</param>
/// <param name="Chat">The model's tokenizer with its chat template, limited to the model's context, to check the length of items; null: no check.</param>
public sealed record BenchmarkInput(string Path, BenchmarkOptions Options, ChatEncoder? Chat)
{
    /// <summary>The path as a file of rows, and how they are read.</summary>
    public DataFile Rows { get; init; } = Path;

    /// <summary>How the model's prompts become tokens, for benchmarks that cut texts or drop examples by their length; null: nothing is cut or dropped.</summary>
    public PromptEncoder? Prompts { get; init; }
}

/// <summary>Options for reading items. Passed to <see cref="IBenchmark.Read"/> only: an item carries all that its questions and score need.</summary>
/// <param name="MaxTokens">Maximum number of tokens of a generated answer; null: the benchmark's own.</param>
/// <param name="SkipLong">Leave out items that do not fit into the model's context, instead of reporting them as an error.</param>
/// <param name="KeepWholeRows">In a damaged file, score the complete rows before the damage, instead of reporting it as an error.</param>
public sealed record BenchmarkOptions(int? MaxTokens = null, bool SkipLong = false, bool KeepWholeRows = false)
{
    /// <summary>Whether the original's faults are kept or mended.</summary>
    public EvaluationMode Mode { get; init; } = EvaluationMode.Parity;

    /// <summary>Prompts are in the model's chat template, rather than raw; null: the benchmark's own way for tuned models.</summary>
    public bool? Chat { get; init; }

    /// <summary>Number of examples in the prompt; null: the benchmark's own.</summary>
    public int? Shots { get; init; }

    /// <summary>Examples show their reasoning (chain of thought), rather than the answer alone; null: the benchmark's own.</summary>
    public bool? ChainOfThought { get; init; }

    /// <summary>The number of examples in the prompt.</summary>
    /// <param name="own">The benchmark's own number.</param>
    /// <param name="most">How many there can be.</param>
    /// <exception cref="BadInputException">More are asked for, or fewer than none.</exception>
    internal int ShotsOf(int own, int most)
    {
        var shots = Shots ?? Math.Min(own, most);
        return shots >= 0 && shots <= most ? shots : throw new BadInputException("--shots", $"{shots} is not from 0 to {most}", "give a number of examples that there are, or leave it out");
    }

    /// <summary>One user turn with the first words of the answer, or the raw text with what leads to the answer.</summary>
    /// <param name="prefix">In the chat template, how the answer begins.</param>
    /// <param name="rawEnd">After the raw text.</param>
    internal ModelPrompt Prompt(string text, string prefix, string rawEnd) => Chat ?? true
        ? new ModelPrompt.Chat([new Message(Message.User, text)], prefix) { KeepsSpace = Mode == EvaluationMode.Parity }
        : new ModelPrompt.Raw(text + rawEnd);

    /// <summary>Pairs are judged in both orders, rather than in one that is drawn.</summary>
    public bool BothOrders { get; init; }

    /// <summary>Seed of the order in which a pair is shown to a judge.</summary>
    public int OrderSeed { get; init; }

    /// <summary>Maximum number of items, spread evenly over the input (<see cref="BenchmarkReading"/>); null: all.</summary>
    public int? Limit { get; init; }
}

/// <summary>Which form of a benchmark.</summary>
public enum EvaluationMode
{
    /// <summary>As the original: its subsets, prompts, extraction and slips, for numbers that stand beside published ones.</summary>
    Parity,

    /// <summary>All items, and the original's slips mended.</summary>
    Fixed,
}
