namespace Tulu2.Training.Recipes;

/// <summary>Benchmarks that a run's checkpoints are scored on while it trains. Nothing of it decides a bit of the parameters.</summary>
public sealed record EvaluationRecipe
{
    [Meaning("Benchmarks of the quick suite (`tulu2 eval list`), such as [gsm8k]: evaluators score checkpoints on them while the run trains (docs/evaluation-pool.md).")]
    [NotInHash]
    public IReadOnlyList<string> Quick { get; init; } = [];
    [Meaning("Steps between two checkpoints that the quick suite scores: the first one at or after each multiple, and the last one of the run. Checkpoints are made as checkpoint.every says.")]
    [NotInHash]
    public int Every { get; init; } = 200;
    [Meaning("Benchmarks of the full suite, which is done less often.")]
    [NotInHash]
    public IReadOnlyList<string> Full { get; init; } = [];
    [Meaning("Steps between two checkpoints that the full suite scores, as evaluation.every; 0: the last one of the run only.")]
    [NotInHash]
    public int FullEvery { get; init; }
    [Meaning("Directory of the benchmarks' data, as for `tulu2 eval --data`: its folders are mmlu, gsm8k and so on.")]
    [PathKey, NotInHash]
    public string? Data { get; init; }
    [Meaning("Files of the benchmarks that are scored on rows of one's own, by benchmark: `{ exact_match: held-out.jsonl, preference: pairs.jsonl }`.")]
    [PathKey, NotInHash]
    public IReadOnlyDictionary<string, string> Rows { get; init; } = new Dictionary<string, string>();
    [Meaning("Items of each benchmark at most, spread evenly over all; null: all.")]
    [NotInHash]
    public int? Limit { get; init; }
    [Meaning("parity: as the original, its slips included, for numbers beside published ones; fixed: all items, and the slips mended.")]
    [NotInHash]
    public BenchmarkForm Mode { get; init; } = BenchmarkForm.Parity;
    [Meaning("The benchmark whose score decides which checkpoint is the best; null: none is.")]
    [NotInHash]
    public string? Metric { get; init; }
    [Meaning("With evaluation.metric: keep the best checkpoint and export it as exports/best, in place of the best validation's.")]
    [NotInHash]
    public bool KeepBest { get; init; } = true;
    [Meaning("Evaluator processes beside the coordinator of `train`; each holds a model of its own. A cluster of nodes has nodes with the role evaluator instead.")]
    [NotInHash]
    public int Evaluators { get; init; } = 1;
    [Meaning("Processes that hold the model of an evaluator between them, each a part, as for `tulu2 eval --tensor`: for models that one process cannot hold.")]
    [NotInHash]
    public int Tensor { get; init; } = 1;
    [Meaning("Who judges, by role, for the benchmarks that need it, in the words of `tulu2 eval --judge`.")]
    [NotInHash]
    public IReadOnlyDictionary<string, string> Judges { get; init; } = new Dictionary<string, string>();

    /// <summary>The run's checkpoints are scored.</summary>
    public bool IsOn => Quick.Count > 0 || Full.Count > 0;
}

/// <summary>In which form benchmarks are scored.</summary>
public enum BenchmarkForm { Parity, Fixed }
