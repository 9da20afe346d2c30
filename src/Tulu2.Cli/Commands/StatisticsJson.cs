using Tulu2.Data.Rows;
using Tulu2.Data.Statistics;
using Tulu2.Data.Statistics.Content;
using Tulu2.Files;

namespace Tulu2.Cli.Commands;

/// <summary>What <c>data stats --json</c> prints.</summary>
internal static class StatisticsJson
{
    public static string Of(DataStatistics statistics, ContentStatistics content) => JsonLine.Of(new
    {
        statistics.Report.Rows,
        statistics.Report.Used,
        statistics.Sequences,
        statistics.Report.Tokens,
        statistics.Report.LossTokens,
        statistics.Shortest,
        statistics.Median,
        statistics.Mean,
        Percentile_95 = statistics.Percentile95,
        statistics.Longest,
        statistics.MaxLength,
        Truncated = statistics.Truncations.ToDictionary(count => $"{count.Length}", count => count.Sequences),
        LeftOut = statistics.Report.Faults.Count,
        LeftOutBecause = new
        {
            Broken = statistics.LeftOut(RowFaultKind.Broken),
            WithoutPreference = statistics.LeftOut(RowFaultKind.Dirt),
            NothingToLearn = statistics.LeftOut(RowFaultKind.NothingToLearn),
        },
        DamagedFiles = statistics.Report.DamagedFiles.Count,
        Datasets = Sources(statistics.Datasets, content.Datasets),
        Files = Sources(statistics.Files, content.Files),
        Turns = new
        {
            content.Turns.Mean,
            content.Turns.Most,
            Rows = content.Turns.Bins.ToDictionary(bin => bin.Label, bin => bin.Rows),
            content.Turns.UserCharacters,
            content.Turns.AssistantCharacters,
        },
        Duplicates = new
        {
            content.Duplicates.Rows,
            content.Duplicates.Prompts,
            Examples = content.Duplicates.Examples.Select(example => new { Row = $"{example.Row}", First = $"{example.First}" }),
        },
        Languages = new
        {
            content.Languages.Sampled,
            Rows = content.Languages.Languages.ToDictionary(language => language.Name, language => language.Rows),
        },
        Histogram = statistics.Histogram.Select(bin => new { bin.From, bin.To, bin.Count }),
    });

    private static IEnumerable<object> Sources(IReadOnlyList<SourceTokens> sources, IReadOnlyList<SourceContent> contents)
    {
        // A file that is named twice is one source of tokens.
        var byName = contents.ToLookup(content => content.Name);
        return sources.Select(source => new
        {
            source.Name,
            source.Rows,
            Turns = byName[source.Name].Sum(content => content.Turns),
            source.Tokens,
            source.LossTokens,
            source.Truncated,
            DuplicateRows = byName[source.Name].Sum(content => content.DuplicateRows),
            DuplicatePrompts = byName[source.Name].Sum(content => content.DuplicatePrompts),
        });
    }
}
