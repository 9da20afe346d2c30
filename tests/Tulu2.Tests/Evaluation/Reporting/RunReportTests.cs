using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Tulu2.Evaluation.Reporting;
using Xunit;

namespace Tulu2.Tests.Evaluation.Reporting;

public class RunReportTests
{
    private static readonly string Page = RunReport.Render(ReportExample.Input);

    [Theory]
    [InlineData("Evaluation")]
    [InlineData("Training stages")]
    [InlineData("Training: sft")]
    [InlineData("Training: dpo")]
    [InlineData("Sample outputs")]
    [InlineData("Failures and restarts")]
    [InlineData("<figcaption>Loss <span")]
    [InlineData("smoothed (moving average, constant 0.9)")]
    [InlineData("Hyperparameters")]
    [InlineData("the whole recipe of sft")]
    [InlineData("Greedy answers to held-out prompts.")]
    [InlineData("SIGTERM after step 120")]
    [InlineData("/<wbr>data/<wbr>rows.jsonl")]
    [InlineData("<figcaption>Learning rate</figcaption>")]
    [InlineData("<figcaption>Gradient norm before clipping</figcaption>")]
    [InlineData("<figcaption>Tokens per second</figcaption>")]
    [InlineData("<figcaption>Rewards <span")]
    [InlineData("<figcaption>Reward accuracy (share of pairs)</figcaption>")]
    [InlineData("<figcaption>Sequences by length</figcaption>")]
    [InlineData("2 min 40 s in all, was useful.")]
    [InlineData("3 recoveries, 387 ms in the median, 498 ms at worst")]
    [InlineData("<span class=\"part0\" style=\"width:")]
    public void The_report_has_every_part(string part) => Assert.Contains(part, Page);

    [Fact]
    public void A_metric_that_no_objective_of_this_version_gives_has_a_chart_by_its_own_name()
    {
        var steps = Enumerable.Range(1, 3).Select(step => new StepRecord(step, 1, 0, 1, 8, 4, 1) { More = [new("later_metric", step)] });
        Assert.Contains("<figcaption>later_metric</figcaption>", RunReport.Render(new ReportInput { Title = "t", Stages = [new("sft", [.. steps])] }));
    }

    [Fact]
    public void A_preference_run_has_its_charts_in_their_order() =>
        Assert.Equal(["1-rewards", "1-accuracy", "1-logps"], Charts("dpo", 1).TakeLast(3));

    private static IEnumerable<string> Charts(string stage, int number) =>
        StageCharts.Of(ReportExample.Input.Stages.Single(s => s.Name == stage), $"{number}").Select(chart => chart.Id);

    [Fact]
    public void Scores_stand_in_a_column_for_each_model() =>
        Assert.Contains("""<th scope="row" class="short">exact match</th>""" + Cells(("Items", "400"), ("untrained", "0.8 %"), ("sft", "80.3 %"), ("dpo", "79.5 %")), Page);

    [Fact]
    public void A_rank_s_time_adds_up_to_the_whole() => Assert.Contains("""<th scope="row" class="short">rank 0</th>""" + Cells(("Computing", "75.0 %"), ("Batches", "0.5 %"),
        ("Pipeline bubble", "10.0 %"), ("Tensor-parallel sums", "5.0 %"), ("Gradient reduction", "7.5 %"), ("Commits", "1.0 %"), ("Update and rest", "1.0 %")), Page);

    [Fact]
    public void A_model_without_a_score_gets_a_dash() =>
        Assert.Contains("""<th scope="row" class="short">preference</th>""" + Cells(("Items", "100"), ("untrained", "–"), ("sft", "55.0 %"), ("dpo", "88.0 %")),
            System.Net.WebUtility.HtmlDecode(Page));

    private static string Cells(params (string Column, string Text)[] cells) =>
        string.Concat(cells.Select(cell => $"<td data-label=\"{cell.Column}\" class=\"figure\">{cell.Text}</td>"));

    [Fact]
    public void What_a_model_wrote_is_never_markup()
    {
        Assert.DoesNotContain("<script", Page);
        Assert.Contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; ", Page);
        Assert.DoesNotContain('\u0007', Page);
        Assert.Contains("<title>Demo &lt;run&gt;</title>", Page);
    }

    [Fact]
    public void Nothing_is_loaded_from_elsewhere()
    {
        Assert.DoesNotMatch(new Regex(@"\b(src|href|action)\s*=|@import|url\((?!#)", RegexOptions.IgnoreCase), Page);
        Assert.Contains("default-src 'none'", Page);
    }

    [Fact]
    public void Every_chart_is_well_formed_has_a_title_a_description_and_words_of_its_own()
    {
        var charts = Regex.Matches(Page, "<svg.*?</svg>", RegexOptions.Singleline).Select(m => XElement.Parse(m.Value)).ToList();
        Assert.Equal(14, charts.Count);
        Assert.All(charts, chart =>
        {
            Assert.NotEmpty(chart.Element("title")!.Value);
            Assert.NotEmpty(chart.Element("desc")!.Value);
            Assert.True(chart.Elements("text").Count() > 4);
            // ScottPlot's own text elements carry glyph positions of the machine's fonts.
            Assert.DoesNotContain(chart.Descendants().Where(e => e.Name.LocalName == "text"), e => e.Attribute("font-family") is not null);
            Assert.Contains(chart.Descendants(), e => e.Name.LocalName is "path" or "rect");
        });
    }

    [Fact]
    public void The_headline_counts_every_session_and_says_when_they_were() =>
        Assert.Contains("<p>360 steps, 1,474,560 tokens, 3 min 36 s in 3 sessions; <span>2026-01-02 12:00 to 12:06 UTC</span></p>", Page);

    [Fact]
    public void A_loss_chart_can_be_switched_to_a_logarithmic_scale_without_a_script()
    {
        foreach (var stage in new[] { "stage1", "stage2" })
            foreach (var scale in new[] { "linear", "logarithmic" })
            {
                Assert.Contains($"<input type=\"radio\" name=\"{stage}-loss-scale\" id=\"{stage}-loss-{scale}\"", Page);
                Assert.Contains($"""<label for="{stage}-loss-{scale}">""", Page);
            }
        Assert.Contains("id=\"stage1-loss-linear\" checked>", Page);
        Assert.Contains("Logarithmic scale.", Page);
    }

    [Fact]
    public void Each_bar_of_a_histogram_is_as_wide_as_its_bin()
    {
        int[] edges = [4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];
        var bins = edges.Zip(edges.Skip(1), (from, to) => new LengthBin(from, to, 10)).ToList();
        var chart = XElement.Parse(Regex.Match(SvgChart.Render(StageCharts.Lengths(bins)), "<svg.*</svg>", RegexOptions.Singleline).Value);
        double Number(XElement element, string name) => double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);
        // A bar leaves a tenth of its bin free, half of it on each side, and bins follow one another.
        var drawn = chart.Descendants("rect").Where(bar => bar.Attribute("fill") is not null)
            .Select(bar => (Middle: Number(bar, "x") + Number(bar, "width") / 2, Half: Number(bar, "width") / 0.9 / 2)).ToList();
        Assert.Equal(bins.Count, drawn.Count);
        Assert.All(drawn.Zip(drawn.Skip(1)), pair => Assert.Equal(pair.First.Middle + pair.First.Half, pair.Second.Middle - pair.Second.Half, 0.1));
        Assert.Equal(["5", "10", "20", "50", "100"], chart.Elements("text").Take(5).Select(text => text.Value));
    }

    [Fact]
    public void A_loss_that_is_never_above_zero_has_no_logarithm()
    {
        var stage = new ReportStage("sft", [new(1, 0, 0, 1, 10, 5, 1), new(2, -1, 0, 1, 10, 5, 1)]);
        Assert.DoesNotContain("<input", RunReport.Render(new ReportInput { Title = "t", Stages = [stage] }));
    }

    [Fact]
    public void Each_cell_carries_the_name_of_its_column_and_long_words_alone_may_break()
    {
        Assert.Contains($"""<td data-label="sft" class="long">{new string('a', 64)}</td>""", Page);
        Assert.Contains("""<td data-label="Steps" class="short">1 to 120</td>""", Page);
        Assert.Contains("""<th scope="row" class="short">dpo.beta</th><td data-label="sft" class="short">""", Page);
        Assert.DoesNotContain("class=\"scroll\"", Page);
    }

    [Fact]
    public void Ids_are_unique_on_the_page()
    {
        var ids = Regex.Matches(Page, "\\bid=\"([^\"]+)\"").Select(m => m.Groups[1].Value).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Fact]
    public void An_empty_run_still_gives_a_page()
    {
        var page = RunReport.Render(new ReportInput { Title = "nothing yet", Stages = [new ReportStage("sft", [])] });
        Assert.Contains("0 steps, 0 tokens", page);
    }

    [Fact]
    public void Figures_that_are_not_finite_leave_a_gap_and_do_no_harm()
    {
        var stage = new ReportStage("sft", [new(1, double.NaN, 0, double.PositiveInfinity, 10, 5, 0)]);
        Assert.Contains("</svg>", RunReport.Render(new ReportInput { Title = "t", Stages = [stage] }));
    }

    [Fact]
    public void Long_runs_are_thinned_without_losing_a_spike()
    {
        var steps = Enumerable.Range(0, 50_000).Select(i => (double)i).ToArray();
        var thin = new ChartSeries("loss", steps, [.. steps.Select(s => s == 31_415 ? 99.0 : 1)]).Thinned(1200);
        Assert.InRange(thin.X.Count, 500, 1200);
        Assert.Contains(99.0, thin.Y);
        Assert.Equal(thin.X.Order(), thin.X);
    }
}
