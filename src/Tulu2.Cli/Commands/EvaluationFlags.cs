using System.CommandLine;
using Tulu2.Evaluation.Reporting.Evaluations;
using Tulu2.Evaluation.Resampling;
using Tulu2.Evaluation.Summaries;
using Tulu2.Files;

namespace Tulu2.Cli.Commands;

/// <summary>Options of what is told about models' scores.</summary>
internal sealed class EvaluationFlags
{
    private const int FewestResamples = 100;

    public Option<string[]> Names { get; } = CommandBuilder.Repeated("--name",
        "Name of a model in tables, once for each, in order; a name such as tulu-2-dpo-7b puts it beside the paper's row of that model");

    public Option<string?> Markdown { get; } = CommandBuilder.Optional<string>("--markdown", "File for the tables as Markdown");

    public Option<string?> Page { get; } = CommandBuilder.Optional<string>("--html", "File of the page");

    private readonly Option<int> _resamples = CommandBuilder.Option("--resamples", "Draws of items for the intervals", new Bootstrap().Resamples);

    private readonly Option<int> _seed = CommandBuilder.Option("--seed", "Seed of the draws", new Bootstrap().Seed);

    public Symbol[] All => [Names, Markdown, Page, _resamples, _seed];

    /// <summary>Those that mean nothing where nothing was evaluated.</summary>
    public Option[] OfScores => [Names, Markdown, _resamples, _seed];

    public string[] NamesOf(ParseResult parsed) => parsed.GetValue(Names) ?? [];

    /// <exception cref="BadInputException">Too few draws for an interval.</exception>
    public Bootstrap BootstrapOf(ParseResult parsed)
    {
        var resamples = parsed.GetValue(_resamples);
        return resamples >= FewestResamples ? new Bootstrap(resamples, parsed.GetValue(_seed))
            : throw new BadInputException("--resamples", $"{resamples} is below {FewestResamples}", $"use {FewestResamples} or more: an interval needs them");
    }

    /// <exception cref="BadInputException">It is a directory.</exception>
    public static string File(Option option, string path)
    {
        var full = Path.GetFullPath(path);
        return Directory.Exists(full) ? throw new BadInputException(full, "is a directory", $"name a file, such as {option.Name} {Path.Combine(path, "report")}") : full;
    }

    /// <summary>Writes the tables as Markdown where that was asked for.</summary>
    /// <returns>Path of the file; null: it was not.</returns>
    public string? Write(ParseResult parsed, string title, IEnumerable<ReportTable> tables)
    {
        if (parsed.GetValue(Markdown) is not { } given) return null;
        var path = File(Markdown, given);
        AtomicFile.WriteAllText(path, EvaluationMarkdown.Of(title, tables));
        return path;
    }
}
