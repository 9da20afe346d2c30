using System.Xml.Linq;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Statistics;
using Tulu2.Data.Statistics.Content;
using Tulu2.Data.Store;
using Tulu2.Data.Tokenizers;
using Xunit;

namespace Tulu2.Tests.Data.Statistics;

public sealed class StatisticsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Property(MaxTest = 200)]
    public void Bins_touch_each_other_and_hold_every_length_once(NonEmptyArray<PositiveInt> lengths, HistogramScale scale)
    {
        var values = lengths.Get.Select(length => length.Get * length.Get).ToList();
        var bins = LengthHistogram.Of(values, scale);
        Assert.Equal(values.Count, bins.Sum(bin => bin.Count));
        Assert.All(bins, bin => Assert.Equal(bin.Count, values.Count(value => value >= bin.From && value < bin.To)));
        Assert.All(bins.Zip(bins.Skip(1)), pair => Assert.Equal(pair.First.To, pair.Second.From));
        Assert.InRange(bins.Count, 1, 64);
    }

    [Fact]
    public void Edges_read_well()
    {
        Assert.Equal([16, 24, 32, 48, 64], LengthHistogram.Of([17, 60], HistogramScale.Logarithmic).SelectMany(bin => new[] { bin.From, bin.To }).Distinct());
        Assert.Equal([20, 40, 60], LengthHistogram.Of([21, 59, 300], HistogramScale.Linear).Take(2).SelectMany(bin => new[] { bin.From, bin.To }).Distinct());
        Assert.Empty(LengthHistogram.Of([]));
    }

    [Fact]
    public void Figures_of_a_store_are_counted_before_the_cut()
    {
        using var store = Store(100);
        var statistics = DataStatistics.Of(store, 100);
        Assert.Equal((4L, 3), (statistics.Report.Rows, statistics.Report.Used));
        Assert.Equal([new TruncationCount(100, 1), new TruncationCount(2048, 1), new TruncationCount(8192, 0)], statistics.Truncations);
        Assert.Equal((33, 34, 3033), (statistics.Shortest, statistics.Median, statistics.Longest));
        Assert.Equal([("m", 2), ("a", 1)], statistics.Datasets.Select(dataset => (dataset.Name, dataset.Rows)));
        Assert.Equal(store.Report.Tokens, statistics.Datasets.Sum(dataset => dataset.Tokens));
        Assert.Equal(store.Report.LossTokens, statistics.Datasets.Sum(dataset => dataset.LossTokens));
        Assert.Equal([0, 1], statistics.Datasets.Select(dataset => dataset.Truncated));
        Assert.Equal([34, 33], statistics.Datasets[0].Lengths);
        Assert.Equal((folder.File("rows.jsonl"), 3, 1), (Assert.Single(statistics.Files).Name, statistics.Files[0].Rows, statistics.Files[0].Truncated));
    }

    [Fact]
    public void Histograms_of_one_axis_have_its_edges_and_lengths_beyond_it_are_in_the_last_bin()
    {
        var edges = LengthHistogram.LinearEdges(0, 95, 10);
        Assert.Equal([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100], edges);
        var bins = LengthHistogram.Count([3, 95, 100, 5000], edges);
        Assert.Equal((1L, 3L, 4L), (bins[0].Count, bins[^1].Count, bins.Sum(bin => bin.Count)));
    }

    [Fact]
    public void The_text_names_what_is_left_out_the_cuts_and_the_bars()
    {
        using var store = Store(100);
        var content = ContentStatistics.Of([folder.File("rows.jsonl")], RowKind.Messages, store.Report.Faults);
        var text = string.Join('\n', StatisticsText.Lines(DataStatistics.Of(store, 100), content));
        Assert.Contains("3 of 4 (1 left out: 1 broken)", text);
        Assert.Contains("above     100 1 sequence (33.33 %)  <- max_length", text);
        Assert.Contains("above   2,048 1 sequence (33.33 %)", text);
        Assert.Contains("|########################################| 2", text);
        Assert.Contains("turns         mean 2.0, most 2; 2: 100.0 %", text);
        Assert.Contains("duplicates    0 rows (0.00 %) with the content of an earlier one, 2 (66.67 %) with its first prompt", text);
        Assert.Matches("dataset  rows   share  turns/row  tokens   share  scored +truncated  duplicates", text);
        Assert.Matches(@"\na +1  33\.3 % +2\.0 +100  59\.9 %  [0-9.]+ %  1 \(100\.0 %\) +0\n", text);
    }

    [Fact]
    public void The_picture_is_an_svg_with_a_bar_for_each_bin_and_its_words_as_text()
    {
        HistogramBin[] bins = [new(0, 10, 3), new(10, 20, 1234), new(20, 30, 7)];
        var svg = XElement.Parse(HistogramPicture.Svg(bins, "Tokens & rows"));
        XNamespace name = "http://www.w3.org/2000/svg";
        var texts = svg.Descendants(name + "text").Select(text => text.Value).ToList();
        Assert.Contains("Tokens & rows", texts);
        Assert.Contains("tokens in a sequence", texts);
        Assert.Equal(["0", "10", "20", "30"], texts.Where(text => text is "0" or "10" or "20" or "30").Distinct());
        Assert.Contains("2,000", texts);
        var fills = svg.Descendants().Select(element => element.Attribute("fill")?.Value ?? "");
        Assert.Equal(3, fills.Count(fill => fill.Contains("2F6F9F", StringComparison.OrdinalIgnoreCase)));
        XElement.Parse(HistogramPicture.Svg([], "nothing"));
    }

    [SkippableFact]
    public void An_inspected_row_joins_to_its_text_and_marks_what_is_scored()
    {
        var tokenizer = SentencePieceBpeTokenizer.Load(ReferenceData.Require("llama2_tokenizer", "tokenizer.model"));
        var encoder = new ChatEncoder(ChatTokenizer.Of(tokenizer), ChatForm.Default, 8192);
        var inspection = RowInspection.Of(tokenizer, encoder.EncodeDialogue([new("user", "Hi 你"), new("assistant", "Über 🦙 ok")]));
        var runs = inspection.Runs();
        Assert.Equal([false, true], runs.Select(run => run.Scored));
        Assert.EndsWith("<|assistant|>\n", runs[0].Text);
        Assert.Contains("Hi 你", runs[0].Text);
        Assert.Equal("Über 🦙 ok</s>", runs[1].Text);
        Assert.Equal(inspection.Tokens.Count, runs.Sum(run => run.Tokens));
    }

    private TokenStore Store(int maxLength)
    {
        string[] lines =
        [
            """{"dataset":"m","messages":[{"role":"user","content":"qqq"},{"role":"assistant","content":"aaaaa"}]}""",
            """{"dataset":"m","messages":[{"role":"user","content":"qqq"},{"role":"assistant","content":"aaaa"}]}""",
            "{}",
            $$"""{"dataset":"a","messages":[{"role":"user","content":"qqq"},{"role":"assistant","content":"{{new string('a', 3004)}}"}]}""",
        ];
        var path = folder.Write("rows.jsonl", string.Join('\n', lines));
        var tokenizer = new ChatTokenizer((text, _) => [.. text.Select(character => (int)character)], 1, 2, "characters");
        return TokenStore.Open(new(folder.File("cache"), [path], new ChatEncoder(tokenizer, ChatForm.Default, maxLength), RowKind.Messages));
    }
}
