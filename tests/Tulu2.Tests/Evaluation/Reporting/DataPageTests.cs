using System.Text.RegularExpressions;
using Tulu2.Data.Rows;
using Tulu2.Data.Statistics;
using Tulu2.Data.Statistics.Content;
using Tulu2.Data.Store;
using Tulu2.Evaluation.Reporting;
using Xunit;

namespace Tulu2.Tests.Evaluation.Reporting;

public partial class DataPageTests
{
    private static readonly DataPageSet Small = Set("v1", 1, [10, 20, 30]), Large = Set("v2 <new>", 14, [10, 2000, 100_000]);

    [Theory]
    [InlineData("Training data: v1")]
    [InlineData("<figcaption>All sequences: 3 sequences</figcaption>")]
    [InlineData("<figcaption>source 1: 3 sequences</figcaption>")]
    [InlineData("By dataset.")]
    [InlineData("Turns of the user and the assistant: mean 2.0, most 4")]
    [InlineData("Estimated from the first question and answer of 2 rows, drawn of 3")]
    [InlineData("rows.jsonl:3</th><td")]
    [InlineData("rows.jsonl:9</th><td data-label=\"Why\" class=\"short\">broken &lt;JSON&gt;</td>")]
    public void The_page_has_every_part(string part) => Assert.Contains(part, DataPage.Render([Small]));

    [Fact]
    public void Sets_are_compared_on_one_axis_that_a_few_long_sequences_do_not_stretch()
    {
        var page = DataPage.Render([Small, Large]);
        Assert.Contains("v2 &lt;new&gt;", page);
        Assert.DoesNotContain("<new>", page);
        Assert.Contains("in % of each set", page);
        // Twice the maximum length.
        Assert.Contains("The last bar holds all sequences from 4,100 tokens on too.", page);
        // Every chart has the same ticks of the x axis: the first one is that of the comparison.
        var axes = Svg().Matches(page).Select(svg => string.Join(' ', XTick().Matches(svg.Value).Select(tick => tick.Groups[1].Value))).ToList();
        Assert.Equal(1 + 2 + 1 + 12, axes.Count);
        Assert.Single(axes.Distinct());
        Assert.Contains("1,000", axes[0]);
        Assert.Contains("<figcaption>3 other sources: 9 sequences</figcaption>", page);
    }

    [Fact]
    public void The_page_needs_nothing_else_and_its_ids_are_unique()
    {
        var page = DataPage.Render([Small, Large]);
        Assert.Contains("default-src 'none'", page);
        Assert.DoesNotContain("<script", page);
        var ids = Id().Matches(page).Select(id => id.Groups[1].Value).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    private static DataPageSet Set(string name, int sources, int[] lengths)
    {
        var location = new RowLocation("rows.jsonl", 9);
        var (rows, tokens) = (lengths.Length * sources, lengths.Sum() * sources);
        var report = new StoreReport(rows + 1, rows, 0, tokens, tokens / 2, [new RowFault(location, "broken <JSON>")]);
        IReadOnlyList<SourceTokens> datasets =
            [.. Enumerable.Range(1, sources).Select(number => new SourceTokens($"source {number}", lengths.Length, lengths.Sum(), lengths.Sum() / 2, 0) { Lengths = lengths })];
        var statistics = new DataStatistics
        {
            Report = report,
            Sequences = rows,
            MaxLength = 2048,
            Shortest = lengths[0],
            Median = lengths[1],
            Mean = lengths.Average(),
            Percentile95 = lengths[^1],
            Longest = lengths[^1],
            Truncations = [new TruncationCount(2048, 0)],
            Datasets = datasets,
            Files = datasets,
            Histogram = LengthHistogram.Of(lengths),
        };
        var content = new ContentStatistics
        {
            Rows = rows,
            Turns = new TurnStatistics([new TurnBin(1, 1, 0), new TurnBin(2, 2, rows)], 2, 4, 10, 20),
            Duplicates = new DuplicateStatistics(1, 2, [new DuplicateRow(new RowLocation("rows.jsonl", 3), new RowLocation("rows.jsonl", 1))]),
            Languages = new LanguageStatistics(2, [new LanguageCount("English", 2)]),
            Datasets = [.. datasets.Select(source => new SourceContent(source.Name, source.Rows, 6, 1, 1))],
            Files = [],
        };
        return new DataPageSet(name, statistics, content);
    }

    [GeneratedRegex("<svg.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Svg();

    // Labels below the axis.
    [GeneratedRegex("<text x=\"[0-9.]+\" y=\"234\" text-anchor=\"middle\">([0-9,]+)</text>")]
    private static partial Regex XTick();

    [GeneratedRegex(" id=\"([^\"]+)\"")]
    private static partial Regex Id();
}
