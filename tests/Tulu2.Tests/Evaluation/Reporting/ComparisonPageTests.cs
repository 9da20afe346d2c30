using System.Text.RegularExpressions;
using Tulu2.Evaluation.Reporting;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Evaluation.Reporting;

public partial class ComparisonPageTests
{
    [Fact]
    public void Each_run_has_a_colour_in_every_chart_and_a_column_in_every_table()
    {
        var page = ComparisonPage.Render([Run("a", 40), Run("b <i>", 20), Run("c", 12), Run("d", 10)]);
        Assert.Contains("b &lt;i&gt;", page);
        Assert.DoesNotContain("<i>", page);
        Assert.Contains("Curves are moving averages", page);
        // By step and by time, each on two scales.
        Assert.Equal(4, Key().Count(page) / 4);
        Assert.Equal(4 * 4, Key().Count(page));
        Assert.DoesNotContain("key light", page);
        Assert.Contains("Loss by step: a from 4 to 0.1 in 40 points; b &lt;i&gt; from 4 to 0.2 in 20 points;", page);
        Assert.Contains("default-src 'none'", page);
        var ids = Id().Matches(page).Select(id => id.Groups[1].Value).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Fact]
    public void Curves_of_few_steps_are_not_smoothed() => Assert.DoesNotContain("moving averages", ComparisonPage.Render([Run("a", 40), Run("b", 3)]));

    [Fact]
    public void Losses_of_different_objectives_are_not_set_against_each_other_without_a_word()
    {
        var (sft, dpo) = (Run("a", 4) with { Recipe = new Recipe() }, Run("b", 4) with { Recipe = new Recipe { Objective = Objective.Dpo } });
        Assert.Contains("their losses are different quantities", ComparisonPage.Render([sft, dpo]));
        Assert.DoesNotContain("their losses are different quantities", ComparisonPage.Render([sft, sft with { Name = "b" }]));
    }

    [Fact]
    public void Rows_that_say_nothing_of_any_run_are_left_out_and_only_settings_that_differ_are_shown()
    {
        var one = Run("a", 4) with { Recipe = new Recipe() };
        var tables = ComparisonTable.Of([one, one with { Name = "b" }]);
        Assert.Equal(["trained", "loss", "memory", "time"], tables.Select(table => table.Id));
        Assert.DoesNotContain(tables[0].Rows, row => row.Name == "frozen model");
        var settings = ComparisonTable.Of([one, one with { Name = "b", Recipe = new Recipe { Seed = 7 } }])[^1];
        Assert.Equal(["42", "7"], Assert.Single(settings.Rows).Cells);
    }

    private static ComparedRun Run(string name, int steps) =>
        new(name, $"runs/{name}", [.. Enumerable.Range(1, steps).Select(step => new StepRecord(step, 4.0 / step, 1e-5, 1, 100, 50, 0.5))]);

    [GeneratedRegex("class=\"key key[1-4]\"")]
    private static partial Regex Key();

    [GeneratedRegex(" id=\"([^\"]+)\"")]
    private static partial Regex Id();
}
