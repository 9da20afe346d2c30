using Tulu2.Data.Chat;

namespace Tulu2.Training.Recipes;

/// <summary>Everything a run needs, as its YAML file names it. Keys are the snake_case names of these properties; every key has a default.</summary>
public sealed record Recipe
{
    /// <summary>sft or dpo.</summary>
    public Objective Objective { get; init; } = Objective.Sft;
    public ModelRecipe Model { get; init; } = new();
    public DataRecipe Data { get; init; } = new();
    public BatchRecipe Batch { get; init; } = new();
    /// <summary>Passes over the data; giving both this and <see cref="Steps"/> is an error. Neither: the paper's 2 for SFT and 3 for DPO.</summary>
    public double? Epochs { get; init; }
    /// <summary>Steps of the run, in place of epochs.</summary>
    public int? Steps { get; init; }
    public OptimizerRecipe Optimizer { get; init; } = new();
    public ScheduleRecipe Schedule { get; init; } = new();
    public DpoRecipe Dpo { get; init; } = new();
    public LoraRecipe? Lora { get; init; }
    public Precision Precision { get; init; } = Precision.Bf16;
    public Profile Profile { get; init; } = Profile.Default;
    public ParallelRecipe Parallel { get; init; } = new();
    public CheckpointRecipe Checkpoint { get; init; } = new();
    public int Seed { get; init; } = 42;
}

public enum Objective { Sft, Dpo }

public enum Precision { Fp32, Bf16 }

/// <summary>tulu2-spec section 10.1; its effects on loss reduction, optimizer, schedule and epsilon are listed in <c>recipes/README.md</c>.</summary>
public enum Profile { Default, PaperTpu, OpenInstruct }

public sealed record ModelRecipe
{
    /// <summary>A Hugging Face checkpoint directory.</summary>
    [PathKey, NotInHash]
    public string? Path { get; init; }
    /// <summary>In place of a path: random weights of a known shape (llama2-7b, ..., demo).</summary>
    public string? Preset { get; init; }
    /// <summary>Where the tokenizer lies, if not in <see cref="Path"/>.</summary>
    [PathKey, NotInHash]
    public string? Tokenizer { get; init; }
    /// <summary>Overrides of the checkpoint's own values; null keeps them.</summary>
    public double? RmsNormEpsilon { get; init; }
    public double? RopeTheta { get; init; }
    /// <summary>Recompute each block's activations in the backward pass instead of keeping them.</summary>
    public bool Recompute { get; init; }
}

public sealed record DataRecipe
{
    /// <summary>Row files (JSON Lines, JSON or Parquet, plain or gzip), read in this order; <c>*</c>, <c>?</c> and <c>**</c> stand for all files that match, by name.</summary>
    [PathKey, NotInHash]
    public IReadOnlyList<string> Train { get; init; } = [];
    public int MaxLength { get; init; } = 8192;
    public bool Packing { get; init; } = true;
    public bool Shuffle { get; init; } = true;
    /// <summary>default (non-legacy ids) or legacy (the old slow tokenizer's ids, for parity).</summary>
    public ChatForm Chat { get; init; } = ChatForm.Default;
    /// <summary>stop: a row that cannot be used ends the run before it starts; skip: it is listed and left out.</summary>
    public BadRows BadRows { get; init; } = BadRows.Stop;
    /// <summary>Directory of the token store and the reference log-probabilities; null: <c>TULU2_CACHE</c>, else <c>~/.cache/tulu2</c>.</summary>
    [PathKey, NotInHash]
    public string? Cache { get; init; }
}

public enum BadRows { Stop, Skip }

public sealed record BatchRecipe
{
    /// <summary>Sequences (or pairs) per step.</summary>
    public int Global { get; init; } = 128;
    /// <summary>Sequences (or pairs) per slot; divides <see cref="Global"/>.</summary>
    public int Slot { get; init; } = 4;
}

public sealed record OptimizerRecipe
{
    public double LearningRate { get; init; } = 2e-5;
    public double Beta1 { get; init; } = 0.9;
    public double Beta2 { get; init; } = 0.95;
    public double Epsilon { get; init; } = 1e-8;
    public double WeightDecay { get; init; }
    /// <summary>Largest global L2 norm of the gradient; 0: no clipping.</summary>
    public double Clip { get; init; } = 1.0;
}

public sealed record ScheduleRecipe
{
    public ScheduleKind Kind { get; init; } = ScheduleKind.Linear;
    /// <summary>Below 1: a ratio of all steps; from 1 on: steps.</summary>
    public double Warmup { get; init; } = 0.03;
}

public enum ScheduleKind { Linear, Constant }

public sealed record DpoRecipe
{
    public DpoLoss Loss { get; init; } = DpoLoss.Sigmoid;
    public double Beta { get; init; } = 0.1;
    public double LabelSmoothing { get; init; }
}

public enum DpoLoss { Sigmoid, Ipo }

/// <summary>Low-rank adapters; not trained yet: a recipe that names them is refused.</summary>
public sealed record LoraRecipe
{
    public int Rank { get; init; } = 64;
    public double Alpha { get; init; } = 16;
    public double Dropout { get; init; } = 0.1;
    public string? Quantize { get; init; }
}

public sealed record ParallelRecipe
{
    /// <summary>Replicas of the model; 0: as many as there are processors for, at most one per slot.</summary>
    [NotInHash]
    public int Data { get; init; }
    /// <summary>Ranks that share each matrix; divides the virtual shards.</summary>
    [NotInHash]
    public int Tensor { get; init; } = 1;
    /// <summary>Stages that the layers are cut into.</summary>
    [NotInHash]
    public int Pipeline { get; init; } = 1;
    /// <summary>Replicas over which master weights and moments are spread (ZeRO-1); divides <see cref="Data"/>.</summary>
    [NotInHash]
    public int Zero { get; init; } = 1;
    public int VirtualShards { get; init; } = 4;
    /// <summary>true: refuse a layout whose result could differ by a bit from one rank's; false: see recipes/README.md.</summary>
    [NotInHash]
    public bool Bitwise { get; init; } = true;
    /// <summary>
    /// With tensor parallelism: each rank keeps only its share of the residual streams' rows for the backward pass, which gathers the others again.
    /// </summary>
    [NotInHash]
    public bool SplitActivations { get; init; }
    /// <summary>Where compute weights and activations lie. Like the type of processor a fact of the machine: other bits, but no other recipe.</summary>
    [NotInHash]
    public ComputeDevice Device { get; init; } = ComputeDevice.Cpu;
    /// <summary>
    /// What goes between worker processes: auto: shared memory within a host, TCP between hosts; tcp: TCP only; nccl: as auto, and tensor-parallel sums of CUDA
    /// tensors by NCCL. Threads of one process need none of it.
    /// </summary>
    [NotInHash]
    public RankTransport Transport { get; init; } = RankTransport.Auto;
    /// <summary>
    /// Begin to add gradients up over replicas in the last slot's backward pass; not where they lie on a GPU. For slow links between replicas: where every core has
    /// a rank, the second thread costs more than it hides.
    /// </summary>
    [NotInHash]
    public bool Overlap { get; init; }
    /// <summary>Seconds without progress after which a rank counts as hung and is replaced; never less than 8 of the run's slowest steps.</summary>
    [NotInHash]
    public int Patience { get; init; } = 120;
}

public enum ComputeDevice { Cpu, Cuda }

public enum RankTransport { Auto, Tcp, Nccl }

public sealed record CheckpointRecipe
{
    /// <summary>Steps between checkpoints; 0: only the last step's.</summary>
    [NotInHash]
    public int Every { get; init; } = 100;
    /// <summary>Newest checkpoints kept.</summary>
    [NotInHash]
    public int Keep { get; init; } = 3;
}
