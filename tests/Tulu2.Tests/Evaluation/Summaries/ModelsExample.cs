using System.Globalization;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Paper;
using Tulu2.Evaluation.Resampling;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Summaries;
using Tulu2.Evaluation.Tasks;
using Tulu2.Tests.Evaluation.Resampling;

namespace Tulu2.Tests.Evaluation.Summaries;

/// <summary>Results of models on all nine kinds of task, drawn by a seed.</summary>
internal static class ModelsExample
{
    public const string Gpt4 = "gpt-4-0613@api.openai.com";

    private static readonly ScoreUnit OfTen = new("of 10", 1, 2);

    private static readonly (string Name, PaperColumn Column, ScoreMean Mean, string[] Datasets, string? Judge)[] Kinds =
    [
        ("mmlu", PaperColumn.Mmlu, ScoreMean.OfItems, ["anatomy", "world_religions"], null),
        ("gsm8k", PaperColumn.Gsm8k, ScoreMean.OfItems, [""], null),
        ("bbh", PaperColumn.Bbh, ScoreMean.OfDatasets, ["dyck_languages", "navigate", "snarks"], null),
        ("tydiqa", PaperColumn.TydiQa, ScoreMean.OfDatasets, ["arabic", "finnish"], null),
        ("humaneval", PaperColumn.CodexEval, ScoreMean.OfItems, [""], null),
        ("alpaca_eval", PaperColumn.AlpacaEval, ScoreMean.OfItems, ["helpful_base", "koala"], Gpt4),
        ("toxigen", PaperColumn.ToxiGen, ScoreMean.OfItems, ["asian", "women"], "tomh/toxigen_roberta"),
        ("truthfulqa", PaperColumn.TruthfulQa, ScoreMean.OfItems, [""], "allenai/truthfulqa-truth-judge-llama2-7B"),
        ("mt_bench", PaperColumn.MtBench, ScoreMean.OfItems, ["writing", "roleplay", "math"], Gpt4),
    ];

    /// <summary>Draws from benchmarks of the tasks' names, whatever the program's own do.</summary>
    public static Bootstrap Bootstrap { get; } = new(200, 1) { Benchmarks = [.. Kinds.Select(kind => new DatasetBenchmark(kind.Name, kind.Mean))] };

    /// <summary>A model whose items are right with a probability.</summary>
    public static ModelResults Model(string name, double skill, int seed = 1, int items = 30) =>
        new(name, $"evals/{name}", [.. Kinds.Select((_, kind) => Task(kind, name, skill, seed, items))]) { Traits = ModelTraits.OfName(name) };

    /// <summary>The same with a task's result changed.</summary>
    public static ModelResults With(this ModelResults model, string task, Func<TaskResult, TaskResult> change) =>
        model with { Tasks = [.. model.Tasks.Select(one => one.Result.Task == task ? one with { Result = change(one.Result) } : one)] };

    public static ModelResults Without(this ModelResults model, string task) => model with { Tasks = [.. model.Tasks.Where(one => one.Result.Task != task)] };

    /// <summary>The cell of a column, by its heading.</summary>
    public static TableCell Cell(this ReportTable table, string row, string column)
    {
        var index = table.Columns.ToList().IndexOf(column);
        Xunit.Assert.True(index > 0, $"{column} is none of {string.Join(" | ", table.Columns)}");
        return table.Rows.First(one => one.Name == row).Cells[index - 1];
    }

    private static TaskItems Task(int index, string model, double skill, int seed, int count)
    {
        var kind = Kinds[index];
        var (random, isGrade) = (new Random(seed + 100 * index), kind.Column == PaperColumn.MtBench);
        var unit = isGrade ? OfTen : ScoreUnit.Share;
        var scores = Enumerable.Range(0, count).Select(i =>
        {
            // Toxic is wrong.
            var isRight = random.NextDouble() < skill;
            double value = isGrade ? 1 + (int)(9 * skill + random.Next(2)) % 10 : isRight != (kind.Column == PaperColumn.ToxiGen) ? 1 : 0;
            var text = string.Create(CultureInfo.InvariantCulture, $"{model} on {kind.Name} {i} <b>&\n{(i % 7 == 0 ? "السلام عليكم 日本語 Здравствуйте" : "def f(x):\n    return x")}");
            return new ItemScore($"{kind.Name}/{i}", kind.Datasets[i % kind.Datasets.Length], value)
            {
                Sample = new EvaluationSample($"Question {i} of {kind.Name}?", isGrade ? "" : "yes", i % 11 == 0 ? "" : text, isRight) { Verdict = isGrade ? $"[[{value}]]" : null },
            };
        }).ToList();
        var benchmark = (IBenchmark)new DatasetBenchmark(kind.Name, kind.Mean);
        var datasets = scores.GroupBy(score => score.Dataset).Where(_ => kind.Datasets.Length > 1)
            .Select(part => new DatasetResult(part.Key, part.Count(), benchmark.Aggregate([.. part]), benchmark.StandardError([.. part])));
        return new TaskItems(new TaskResult
        {
            Task = kind.Name,
            Model = model,
            Score = benchmark.Aggregate(scores),
            StandardError = benchmark.StandardError(scores),
            Items = count,
            Unit = unit,
            IsLowerBetter = kind.Column == PaperColumn.ToxiGen,
            Column = kind.Column,
            Judges = kind.Judge is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["judge"] = kind.Judge },
            Datasets = [.. datasets],
            MeanLength = kind.Name == "mmlu" ? null : scores.Average(score => score.Sample!.Output.Length),
        }, scores);
    }
}
