using System.Globalization;
using Tulu2.Data.Demo;
using Tulu2.Evaluation.Benchmarks.ToxiGen;
using Tulu2.Files;

namespace Tulu2.Evaluation.Demo;

/// <summary>
/// Generated task data for the benchmarks, in the files of their authors: questions that the demo holds out from training, so that each benchmark can be run where
/// nobody has fetched its data. The scores are of these items and stand beside nobody's.
/// </summary>
/// <param name="root">Folder for the benchmarks' folders.</param>
/// <param name="options">Of the training data that the questions are held out from.</param>
public sealed class DemoTasks(string root, DemoDataOptions options)
{
    // Apart from those of the files of rows and pairs.
    private const int RowPart = 4, PairPart = 5;
    private const int Rows = 600, Pairs = 120;
    private const string Letters = "ABCD";

    private readonly Dictionary<string, string> _answers = [];

    /// <summary>Writes the folders, each with <paramref name="items"/> items or, for ToxiGen, one for each group.</summary>
    /// <returns>The right answer to each question that judges are asked about: what a stub of a judge needs to know.</returns>
    public IReadOnlyDictionary<string, string> Write(int items)
    {
        var sampler = new DemoSampler(options, heldOut: true);
        var rows = sampler.Rows(Rows, RowPart).Where(row => row.Item.Prompt.Count == 1).ToLookup(row => row.Kind, row => row.Item);
        // Fewer where a kind has fewer questions.
        IReadOnlyList<DemoItem> Of(string kind) => [.. rows[kind].Take(items)];
        Mmlu("arithmetic", Of("arithmetic"));
        Mmlu("comparison", Of("compare"));
        Gsm8k(Of("arithmetic"));
        Bbh("sorting", "Sort a list of numbers.", Of("sort"));
        Bbh("reversal", "Reverse a list of words.", Of("reverse"));
        TydiQa(items);
        HumanEval(items);
        AlpacaEval([.. sampler.Pairs(Pairs, PairPart).Select(pair => pair.Item).Where(item => item.Prompt.Count == 1).Take(items)]);
        MtBench(Of("format"), Of("reverse"), Of("arithmetic"), Of("compare"));
        ToxiGen();
        TruthfulQa(Of("identity"));
        return _answers;
    }

    private static string Question(DemoItem item) => item.Prompt[^1].Content;

    private string Asked(DemoItem item)
    {
        _answers[Question(item)] = item.Right;
        return Question(item);
    }

    private void Mmlu(string subject, IReadOnlyList<DemoItem> items) => Lines($"mmlu/test/{subject}_test.csv", items.Select((item, index) =>
    {
        var right = int.Parse(item.Right, CultureInfo.InvariantCulture);
        // Four numbers in a row, none below zero.
        var at = Math.Min(index % Letters.Length, right);
        var choices = Enumerable.Range(right - at, Letters.Length).Select(choice => $"{choice}");
        return Row([Question(item), .. choices, $"{Letters[at]}"]);
    }));

    private void Gsm8k(IReadOnlyList<DemoItem> items) => Lines("gsm8k/test.jsonl", items.Select(item =>
        JsonLine.Of(new { question = Question(item), answer = $"The answer is {item.Right}.\n#### {item.Right}" })));

    private void Bbh(string task, string what, IReadOnlyList<DemoItem> items)
    {
        Text($"bbh/bbh/{task}.json", JsonLine.Of(new { examples = items.Select(item => new { input = Question(item), target = item.Right }) }));
        var example = $"Q: {Question(items[0])}\nA: Let's think step by step. So the answer is {items[0].Right}.";
        // The authors' files begin with a warning and a line of dashes.
        Text($"bbh/cot-prompts/{task}.txt", $"Generated for the demo.\n-----\n{what}\n\n{example}\n");
    }

    private void TydiQa(int items)
    {
        string[] names = ["Anna", "Ben", "Clara", "David"], colours = ["red", "blue", "green", "white", "black"];
        var paragraphs = Enumerable.Range(0, items).Select(index =>
        {
            string Colour(int person) => colours[(index + person) % colours.Length];
            var passage = string.Join(' ', names.Select((name, person) => $"{name} likes {Colour(person)}."));
            var asked = index % names.Length;
            var likes = $"{names[asked]} likes ";
            var start = passage.IndexOf(likes, StringComparison.Ordinal) + likes.Length;
            var qas = new[]
            {
                new { id = $"english-demo-{index}", question = $"Which colour does {names[asked]} like?", answers = new[] { new { text = Colour(asked), answer_start = start } } },
            };
            return new { context = passage, qas };
        });
        Text("tydiqa/tydiqa-goldp-v1.1-dev.json", JsonLine.Of(new { version = "demo", data = new[] { new { title = "demo", paragraphs } } }));
    }

    private void HumanEval(int items)
    {
        (string Name, string Parameters, string What, string Body, string Test)[] problems =
        [
            ("add", "a, b", "Return the sum of a and b.", "return a + b", "candidate(2, 5) == 7"),
            ("larger", "a, b", "Return the larger one of a and b.", "return max(a, b)", "candidate(2, 5) == 5"),
            ("backwards", "items", "Return the list backwards.", "return items[::-1]", "candidate([1, 2, 3]) == [3, 2, 1]"),
            ("ordered", "items", "Return the list from low to high.", "return sorted(items)", "candidate([3, 1, 2]) == [1, 2, 3]"),
        ];
        Lines("humaneval/HumanEval.jsonl", problems.Take(items).Select((problem, index) => JsonLine.Of(new
        {
            task_id = $"Demo/{index}",
            prompt = $"def {problem.Name}({problem.Parameters}):\n    \"\"\"{problem.What}\"\"\"\n",
            entry_point = problem.Name,
            canonical_solution = $"    {problem.Body}\n",
            test = $"def check(candidate):\n    assert {problem.Test}\n",
        })));
    }

    private void AlpacaEval(IReadOnlyList<DemoItem> items) => Text("alpaca_eval/alpaca_eval.json", JsonLine.Of(items.Select(item =>
        new { dataset = "demo", instruction = Asked(item), output = item.Wrong, generator = "demo" })));

    // Two categories: one whose judge is shown reference answers, and one whose judge is not.
    private void MtBench(IReadOnlyList<DemoItem> first, IReadOnlyList<DemoItem> second, IReadOnlyList<DemoItem> firstSum, IReadOnlyList<DemoItem> secondSum)
    {
        var dialogues = first.Zip(second, (one, two) => (Category: "writing", one, two)).Concat(firstSum.Zip(secondSum, (one, two) => (Category: "math", one, two))).ToList();
        Lines("mt_bench/mt_bench/question.jsonl", dialogues.Select((dialogue, index) =>
            JsonLine.Of(new { question_id = index + 1, category = dialogue.Category, turns = new[] { Asked(dialogue.one), Asked(dialogue.two) } })));
        Lines("mt_bench/mt_bench/reference_answer/gpt-4.jsonl", dialogues.Select((dialogue, index) =>
            JsonLine.Of(new { question_id = index + 1, choices = new[] { new { index = 0, turns = new[] { dialogue.one.Right, dialogue.two.Right } } } })));
        Lines("mt_bench/judge_prompts.jsonl", DemoVerdicts.GradePrompts.Select(prompt =>
            JsonLine.Of(new { name = prompt.Name, type = "single", system_prompt = "", prompt_template = prompt.Template })));
    }

    // Each group's file must be there. The lines are kind ones.
    private void ToxiGen()
    {
        foreach (var (index, group) in ToxiGenPrompts.Groups.Index())
        {
            var (friends, colour) = ($"our {group.Replace('_', ' ')} friends", DemoWords.Colours[index % DemoWords.Colours.Length]);
            Lines($"toxigen/{ToxiGenPrompts.Own(group)}", [$@"- {friends} like {colour}\n- {friends} greet {DemoWords.Names[index]}\n-"]);
        }
    }

    private void TruthfulQa(IReadOnlyList<DemoItem> items) => Lines("truthfulqa/TruthfulQA.csv",
    [
        Row(["Type", "Category", "Question", "Best Answer", "Correct Answers", "Incorrect Answers", "Source"]),
        .. items.Select(item => Row(["Demo", "Identity", Asked(item), item.Right, item.Right, item.Wrong, ""])),
    ]);

    private static string Row(IEnumerable<string> values) => string.Join(',', values.Select(value => $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\""));

    private void Lines(string name, IEnumerable<string> lines) => Text(name, string.Concat(lines.Select(line => line + "\n")));

    private void Text(string name, string text) => AtomicFile.WriteAllText(Path.Combine([root, .. name.Split('/')]), text);
}
