using System.Globalization;
using System.Text;
using Tulu2.Evaluation.Summaries;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting.Evaluations;

/// <summary>Each item of a task with its prompt, and what each model wrote and got for it.</summary>
/// <param name="MostItems">Items shown of a task; more are left out evenly.</param>
internal sealed record ItemCards(int MostItems)
{
    /// <summary>Characters of a text that are shown; the rest is in <c>items.jsonl</c>.</summary>
    private const int MostCharacters = 20_000;

    /// <summary>Characters from which a text is collapsed.</summary>
    private const int Long = 600;

    /// <summary>The sections of all tasks whose items are known.</summary>
    public IEnumerable<string> Sections(IReadOnlyList<ModelStanding> models)
    {
        var tasks = models.SelectMany(model => model.Model.Tasks).Where(task => task.Items.Count > 0).Select(task => task.Result.Task).Distinct().Order(StringComparer.Ordinal).ToList();
        if (tasks.Count > 0) yield return Html.Section("items", "Items", tasks.Select((task, index) => Task(task, $"items-{index + 1}", models)));
    }

    private string Task(string task, string id, IReadOnlyList<ModelStanding> models)
    {
        var scored = models.Select(model => (Model: model, Task: model.Model.Tasks.FirstOrDefault(one => one.Result.Task == task)))
            .Where(pair => pair.Task is { Items.Count: > 0 }).Select(pair => (pair.Model, Task: pair.Task!)).ToList();
        var byItem = scored.Select(pair => pair.Task.Items.GroupBy(Key).ToDictionary(group => group.Key, group => group.First())).ToList();
        var all = scored.SelectMany(pair => pair.Task.Items.Select(Key)).Distinct().ToList();
        var shown = all.Count <= MostItems ? all : [.. Enumerable.Range(0, MostItems).Select(index => all[(int)((long)index * all.Count / MostItems)])];
        var html = new StringBuilder($"<details class=\"items\" id=\"{id}\"><summary>{TableHtml.Name(task)}: {NumberText.Count(all.Count, "item")}");
        if (shown.Count < all.Count) html.Append($", {NumberText.Count(shown.Count)} of them shown");
        html.Append("</summary>\n").Append(Controls(id, scored.Select(pair => pair.Model.Name)));
        if (shown.Count < all.Count) html.Append($"<p class=\"note\">Spread evenly over all; <code>--items N</code> shows more, and items.jsonl of the result folder has every one.</p>\n");
        foreach (var key in shown)
            html.Append(Card(key, [.. scored.Zip(byItem, (pair, items) => (pair.Model.Name, pair.Task, Item: items.GetValueOrDefault(key))).Where(entry => entry.Item is not null)
                .Select(entry => (entry.Name, entry.Task, entry.Item!))]));
        return html.Append("<button type=\"button\" class=\"more\" hidden>Show more</button></details>\n").ToString();
    }

    private static (string Dataset, string Item) Key(ItemScore item) => (item.Dataset, item.Item);

    // Hidden where scripts do not run, as nothing would answer.
    private static string Controls(string id, IEnumerable<string> models)
    {
        var choices = models.SelectMany((model, index) => new[] { ($"right-{index}", $"{model}: right"), ($"wrong-{index}", $"{model}: wrong") }).ToList();
        if (choices.Count > 2) choices.Add(("differ", "models differ"));
        return $"<p class=\"controls\" hidden><label for=\"{id}-search\">Search</label> <input type=\"search\" id=\"{id}-search\"> <label for=\"{id}-show\">Show</label> <select id=\"{id}-show\">"
            + "<option value=\"\">all</option>" + string.Concat(choices.Select(choice => $"<option value=\"{choice.Item1}\">{Html.Escape(choice.Item2)}</option>"))
            + "</select> <span role=\"status\"></span></p>\n";
    }

    private static string Card((string Dataset, string Item) key, IReadOnlyList<(string Model, TaskItems Task, ItemScore Item)> entries)
    {
        var samples = entries.Select(entry => entry.Item.Sample).OfType<EvaluationSample>().ToList();
        var html = new StringBuilder("<article class=\"item\"");
        // Positions are those of the models among the task's.
        html.Append($" data-right=\"{string.Join(' ', entries.Select(entry => IsRight(entry.Task, entry.Item) ? '1' : '0'))}\">");
        html.Append($"<h3>{TableHtml.Name(key.Dataset.Length == 0 ? key.Item : $"{key.Dataset}: {key.Item}")}</h3>");
        if (samples.Count > 0) html.Append(Text("Prompt", samples[0].Prompt));
        if (samples.Select(sample => sample.Expected).FirstOrDefault(expected => expected.Length > 0) is { } expected) html.Append(Text("Expected", expected));
        foreach (var (model, task, item) in entries) html.Append(Answer(model, task, item));
        return html.Append("</article>\n").ToString();
    }

    private static string Answer(string model, TaskItems task, ItemScore item)
    {
        var isRight = IsRight(task, item);
        var score = item.Value is 0 or 1 && !task.Result.IsLowerBetter && task.Result.Unit == ScoreUnit.Share ? isRight ? "right" : "wrong"
            : double.IsFinite(item.Value) ? task.Result.Unit.Text(item.Value) : "no score";
        var html = new StringBuilder($"<div class=\"answer {(isRight ? "right" : "wrong")}\"><p class=\"verdict\"><span>{(isRight ? "✓" : "✗")} {Html.Escape(score)}</span> <b>{TableHtml.Name(model)}</b></p>");
        if (item.Sample is { } sample)
        {
            html.Append(Text("Output", sample.Output));
            if (sample.Verdict is { } verdict) html.Append(Text("Verdict", verdict));
        }
        return html.Append("</div>").ToString();
    }

    private static bool IsRight(TaskItems task, ItemScore item) => item.Sample?.Correct ?? (task.Result.IsLowerBetter ? item.Value <= 0 : item.Value > 0);

    private static string Text(string name, string text)
    {
        if (text.Length == 0) return $"<p class=\"text\"><i>{name}: empty</i></p>";
        var shown = text.Length <= MostCharacters ? text : text[..Cut(text)];
        var rest = text.Length - shown.Length;
        var body = $"<pre dir=\"auto\">{Html.Escape(shown)}</pre>" + (rest > 0 ? $"<p class=\"note\">{NumberText.Count(rest)} more characters are in items.jsonl.</p>" : "");
        return text.Length <= Long && text.Count(letter => letter == '\n') <= 12
            ? $"<div class=\"text\"><i>{name}</i>{body}</div>"
            : string.Create(CultureInfo.InvariantCulture, $"<details class=\"text\"><summary>{name}, {NumberText.Count(text.Length, "character")}</summary>{body}</details>");
    }

    // Not between the halves of a character.
    private static int Cut(string text) => char.IsHighSurrogate(text[MostCharacters - 1]) ? MostCharacters - 1 : MostCharacters;
}
