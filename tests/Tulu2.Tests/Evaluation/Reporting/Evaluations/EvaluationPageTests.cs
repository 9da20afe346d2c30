using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Tulu2.Evaluation.Reporting.Evaluations;
using Tulu2.Evaluation.Summaries;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Tests.Evaluation.Summaries;
using Xunit;

namespace Tulu2.Tests.Evaluation.Reporting.Evaluations;

public partial class EvaluationPageTests
{
    private static readonly EvaluationSummary Summary = EvaluationSummary.Of(
    [
        ModelsExample.Model("tulu-2-7b", 0.5).With("mmlu", result => result with { Limit = 30 }), ModelsExample.Model("tulu-2-dpo-7b", 0.7, 2),
        ModelsExample.Model("org/<evil>_model", 0.6, 3).With("alpaca_eval", result => result with { Judges = new Dictionary<string, string> { ["pairs"] = "a <judge>" } }),
    ], ModelsExample.Bootstrap);

    private static readonly string Page = EvaluationPage.Render(Summary, 12);

    [Theory]
    [InlineData("pass@10", "pass@10")]
    [InlineData("Codex-Eval P@10", "Codex-Eval P@10")]
    [InlineData("judge@127.0.0.1:80", "judge@<wbr>127.0.0.1<wbr>:80")]
    [InlineData("org/my_model", "org/<wbr>my_<wbr>model")]
    public void Names_break_behind_their_joints_alone(string name, string html) => Assert.Equal(html, TableHtml.Name(name));

    [Fact]
    public void Every_number_of_the_page_is_that_of_the_json()
    {
        using var json = JsonDocument.Parse(JsonLine.Of(EvaluationJson.Of(Summary)));
        var tables = json.RootElement.GetProperty("tables").EnumerateArray().Where(table => table.GetProperty("rows").GetArrayLength() > 0).ToList();
        var shown = Table().Matches(Page).Select(match => XElement.Parse(match.Value.Replace("<wbr>", "", StringComparison.Ordinal))).ToDictionary(table => table.Attribute("data-table")!.Value);
        Assert.Equal(tables.Select(table => table.GetProperty("id").GetString()!).Order(StringComparer.Ordinal), shown.Keys.Order(StringComparer.Ordinal));
        var numbers = 0;
        foreach (var table in tables)
        {
            var rows = shown[table.GetProperty("id").GetString()!].Element("tbody")!.Elements("tr").ToList();
            foreach (var (row, index) in table.GetProperty("rows").EnumerateArray().Select((row, index) => (row, index)))
            {
                Assert.Equal(row.GetProperty("name").GetString(), rows[index].Element("th")!.Value);
                var cells = rows[index].Elements("td").ToList();
                foreach (var (cell, column) in row.GetProperty("cells").EnumerateArray().Select((cell, column) => (cell, column)))
                {
                    foreach (var name in new[] { "value", "low", "high" })
                    {
                        Assert.Equal(cell.GetProperty(name) is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : null, Number(cells[column], $"data-{name}"));
                        if (cell.GetProperty(name).ValueKind == JsonValueKind.Number) numbers++;
                    }
                    Assert.StartsWith(cell.GetProperty("text").GetString(), cells[column].Value);
                }
            }
        }
        Assert.InRange(numbers, 1000, 10_000);

        static double? Number(XElement cell, string name) => cell.Attribute(name) is { } value ? double.Parse(value.Value, CultureInfo.InvariantCulture) : null;
    }

    [Fact]
    public void Tables_of_the_json_agree_with_its_models()
    {
        using var json = JsonDocument.Parse(JsonLine.Of(EvaluationJson.Of(Summary)));
        var model = json.RootElement.GetProperty("models")[1];
        var cells = json.RootElement.GetProperty("tables").EnumerateArray().Single(table => table.GetProperty("id").GetString() == "table-1").GetProperty("rows").EnumerateArray()
            .Single(row => row.GetProperty("name").GetString() == "tulu-2-dpo-7b").GetProperty("cells").EnumerateArray().ToList();
        var tasks = model.GetProperty("tasks").EnumerateArray().ToDictionary(task => task.GetProperty("task").GetString()!);
        Assert.Equal(tasks["gsm8k"].GetProperty("points").GetDouble(), cells[2].GetProperty("value").GetDouble());
        Assert.Equal(100 * tasks["gsm8k"].GetProperty("score").GetDouble(), cells[2].GetProperty("value").GetDouble(), 1e-9);
        Assert.Equal(tasks["gsm8k"].GetProperty("low").GetDouble(), cells[2].GetProperty("low").GetDouble());
        Assert.Equal(model.GetProperty("averages").GetProperty("seven").GetProperty("value").GetDouble(), cells[8].GetProperty("value").GetDouble());
        Assert.Equal("gsm8k", tasks["gsm8k"].GetProperty("column").GetString());
        Assert.Equal("dpo_against_sft", json.RootElement.GetProperty("comparisons")[0].GetProperty("relation").GetString());
    }

    [Fact]
    public void What_others_wrote_is_never_markup_and_nothing_is_loaded()
    {
        Assert.DoesNotContain("<evil>", Page);
        Assert.DoesNotContain("<b>&", Page);
        Assert.DoesNotContain("<judge>", Page);
        Assert.Matches(@"on gsm8k \d+ &lt;b&gt;&amp;\n", Page);
        Assert.DoesNotMatch(new Regex(@"\b(src|href|action)\s*=\s*[""']|@import|url\(", RegexOptions.IgnoreCase), Page);
    }

    [Fact]
    public void The_policy_allows_the_page_s_own_script_and_no_other()
    {
        var script = Assert.Single(Script().Matches(Page)).Groups[1].Value;
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
        Assert.Contains($"content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'\"", Page);
        // A text within the script that closed it would end it early.
        Assert.DoesNotContain("</", script);
    }

    [Fact]
    public void Items_have_prompt_output_and_verdict_and_a_cap_is_told()
    {
        Assert.Contains("gsm8k: 30 items, 12 of them shown", Page);
        Assert.Equal(9 * 12, Regex.Count(Page, "<article class=\"item\""));
        Assert.Contains("<i>Output: empty</i>", Page);
        Assert.Contains("<i>Verdict</i><pre dir=\"auto\">[[", Page);
        Assert.Contains("<option value=\"wrong-1\">tulu-2-dpo-7b: wrong</option>", Page);
        Assert.Contains("الس", Page);
    }

    [Fact]
    public void A_long_output_is_cut_at_a_whole_character_and_the_page_says_where_the_rest_is()
    {
        var model = ModelsExample.Model("a", 0.5, items: 1);
        var item = model.Tasks[1].Items[0];
        var task = model.Tasks[1] with { Items = [item with { Sample = new EvaluationSample("p", "e", new string('x', 19_999) + "😀" + new string('y', 100), true) }] };
        var page = EvaluationPage.Render(EvaluationSummary.Of([model with { Tasks = [task] }], ModelsExample.Bootstrap));
        Assert.Contains("Output, 20,101 characters</summary>", page);
        Assert.Contains("x</pre><p class=\"note\">102 more characters are in items.jsonl.</p>", page);
        Assert.DoesNotContain("\uFFFD", page);
    }

    [Fact]
    public void Ids_are_unique_on_the_page()
    {
        var ids = Id().Matches(Page).Select(id => id.Groups[1].Value).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Fact]
    public void Markdown_has_a_row_for_each_row_and_its_cells_as_printed()
    {
        var text = EvaluationMarkdown.Of("Evaluation", Summary.Tables);
        var table = Summary.Tables.Single(one => one.Id == "table-1");
        var lines = text.Split('\n').SkipWhile(line => line != "## Table 1: models on the seven evaluations").Skip(2).TakeWhile(line => line.Length > 0).ToList();
        Assert.Equal(table.Rows.Count + 2, lines.Count);
        Assert.All(lines, line => Assert.Equal(table.Columns.Count + 1, line.Count(letter => letter == '|')));
        Assert.Contains($"| {table.Rows[0].Cells[2].Line.Replace("[", "\\[", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal)} |", lines[2]);
        Assert.Contains("org/&lt;evil>\\_model", text);
    }

    [Fact]
    public void A_leaderboard_can_be_sorted_by_its_numbers()
    {
        var board = Leaderboard.Of([.. Summary.Models.Select(model => model.Model)], ModelsExample.Bootstrap);
        var page = EvaluationPage.Render(board);
        var table = XElement.Parse(Assert.Single(Table().Matches(page)).Value.Replace("<wbr>", "", StringComparison.Ordinal));
        Assert.Contains("sortable", table.Attribute("class")!.Value);
        using var json = JsonDocument.Parse(JsonLine.Of(EvaluationJson.Of(board)));
        var averages = json.RootElement.GetProperty("models").EnumerateArray().Select(model => model.GetProperty("average").GetProperty("value").GetDouble());
        Assert.Equal(averages, table.Descendants("td").Where(cell => cell.Attribute("data-label")!.Value == "Average").Select(cell => double.Parse(cell.Attribute("data-value")!.Value, CultureInfo.InvariantCulture)));
    }

    [GeneratedRegex("<table class=\"report.*?</table>", RegexOptions.Singleline)]
    private static partial Regex Table();

    [GeneratedRegex("<script>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Script();

    [GeneratedRegex(" id=\"([^\"]+)\"")]
    private static partial Regex Id();
}
