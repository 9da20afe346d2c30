using Tulu2.Data.Chat;
using Tulu2.Data.Rows.Reading;

namespace Tulu2.Training.Recipes;

/// <summary>Everything a run needs, as its YAML file names it. Keys are the snake_case names of these properties; every key has a default.</summary>
public sealed record Recipe
{
    [Meaning("sft: learn the assistant's turns; dpo: learn to prefer the chosen of two answers; kto: learn from single answers that are labelled desirable or not.")]
    [KnownAs(LlamaFactory = "stage")]
    public Objective Objective { get; init; } = Objective.Sft;
    public ModelRecipe Model { get; init; } = new();
    public DataRecipe Data { get; init; } = new();
    public BatchRecipe Batch { get; init; } = new();
    [Meaning("Passes over the data, in place of steps. Neither: the paper's 2 for sft and 3 for dpo, and 1 for kto.")]
    [KnownAs(Trl = "num_train_epochs", Torchtune = "epochs", Others = "num_epochs")]
    [Changeable]
    public double? Epochs { get; init; }
    [Meaning("Optimizer steps of the run, in place of epochs.")]
    [KnownAs(Trl = "max_steps", Torchtune = "max_steps_per_epoch", Others = "total_steps, num_steps")]
    [Changeable]
    public int? Steps { get; init; }
    public OptimizerRecipe Optimizer { get; init; } = new();
    public ScheduleRecipe Schedule { get; init; } = new();
    public DpoRecipe Dpo { get; init; } = new();
    public KtoRecipe Kto { get; init; } = new();
    public LoraRecipe? Lora { get; init; }
    public ValidationRecipe Validation { get; init; } = new();
    public EvaluationRecipe Evaluation { get; init; } = new();
    [Meaning("What products are computed in; master weights, gradients and moments are fp32 in any case.")]
    [KnownAs(Trl = "bf16, fp16", Torchtune = "dtype", Others = "torch_dtype")]
    public Precision Precision { get; init; } = Precision.Bf16;
    [Meaning("Moves defaults to those of another implementation; recipes/README.md lists them.")]
    public Profile Profile { get; init; } = Profile.Default;
    public ParallelRecipe Parallel { get; init; } = new();
    public CheckpointRecipe Checkpoint { get; init; } = new();
    public VerifyRecipe Verify { get; init; } = new();
    [Meaning("What follows where a step's loss or gradient is NaN or infinite. stop: the run ends with exit code 1; skip_step: the step is committed without an update, and its slots at fault are named; the tenth in a row ends the run; rollback: it and the steps before it, rollback in all, are undone, and their data passed over.")]
    [NotInHash, Changeable]
    public OnNonfinite OnNonfinite { get; init; } = OnNonfinite.Stop;
    public LossSpikeRecipe LossSpike { get; init; } = new();
    [Meaning("Steps that are undone, and whose data is passed over, where on_nonfinite or loss_spike take the run back, the step at fault among them. The run goes back to a checkpoint and makes the steps after it again; the eleventh rollback ends it.")]
    [NotInHash, Changeable]
    public int Rollback { get; init; } = 10;
    [Meaning("What follows when workers, whichever they are, have ended for the third time while they computed the same slot. stop: the run ends with exit code 1 and names the slot's rows; quarantine: the slot is left out of its step, in every replay too, and the loss is divided by what it was; a fourth such slot of a step ends the run.")]
    [NotInHash, Changeable]
    public OnPoisonedSlot OnPoisonedSlot { get; init; } = OnPoisonedSlot.Stop;
    [Meaning("Decides the order of the rows and random weights.")]
    [KnownAs(Trl = "seed", Torchtune = "seed")]
    public int Seed { get; init; } = 42;
}

/// <summary>What follows where a step is not finite. It decides whether a run ends there, and no bit of one that does not.</summary>
public enum OnNonfinite
{
    Stop,
    [Spelled("skip_step")]
    SkipStep,
    Rollback,
}

/// <summary>What follows where a slot ends its workers. What is left out is in the run's ledger, whatever this says later.</summary>
public enum OnPoisonedSlot { Stop, Quarantine }

public enum Objective { Sft, Dpo, Kto }

public enum Precision { Fp32, Bf16 }

/// <summary>Whose defaults a recipe takes (docs/reference/tulu2.md, profiles); the effects on loss reduction, optimizer, schedule and epsilon are listed in <c>recipes/README.md</c>.</summary>
public enum Profile { Default, PaperTpu, OpenInstruct }

public sealed record ModelRecipe
{
    [Meaning("A Hugging Face checkpoint directory: config.json and weights, and the tokenizer unless model.tokenizer names it. Or a model on a hub, hf://ORG/NAME or hf://ORG/NAME@REVISION, which is fetched into the cache (docs/hub.md).")]
    [KnownAs(Trl = "model_name_or_path", Torchtune = "checkpointer.checkpoint_dir")]
    [PathKey, NotInHash]
    public string? Path { get; init; }
    [Meaning("In place of a path: random weights of a known shape, such as llama2-7b or demo.")]
    public string? Preset { get; init; }
    [Meaning("Where the tokenizer lies, if not in model.path; hf://ORG/NAME too.")]
    [KnownAs(Torchtune = "tokenizer.path", Others = "tokenizer_name")]
    [PathKey, NotInHash]
    public string? Tokenizer { get; init; }
    [Meaning("Overrides the checkpoint's own norm epsilon; null keeps it.")]
    [KnownAs(Others = "rms_norm_eps, norm_eps")]
    public double? RmsNormEpsilon { get; init; }
    [Meaning("Overrides the checkpoint's own rotary base; null keeps it.")]
    [KnownAs(Others = "rope_base")]
    public double? RopeTheta { get; init; }
    [Meaning("Recompute each block's activations in the backward pass instead of keeping them: less memory, more time.")]
    [KnownAs(Trl = "gradient_checkpointing", Torchtune = "enable_activation_checkpointing", Others = "activation_checkpointing")]
    public bool Recompute { get; init; }
}

public sealed record DataRecipe
{
    [Meaning("Row files (JSON Lines, JSON or Parquet, plain, gzip or zstd), read in this order; `*`, `?` and `**` stand for all files that match, by name, and a directory for all files of rows below it; hf://datasets/ORG/NAME[@REVISION][/PATH] for files on a hub. In place of a file a source: `{ files: [..], weight: 2 }` passes its rows twice an epoch, `weight: 0.5` half of them and the other half in the next, `sample: N` so many an epoch; `limit: N` uses its first N rows only; `name` is its name in metrics; `format`, `columns` and `learn` hold for it alone.")]
    [KnownAs(Trl = "dataset_name", Torchtune = "dataset.data_files", LlamaFactory = "dataset", Others = "datasets, train_file, data_path")]
    [PathKey, NotInHash]
    public IReadOnlyList<DataSourceRecipe> Train { get; init; } = [];
    [Meaning("The form of the rows: messages, sharegpt, alpaca, prompt_completion, preferences, rated_completions or kto; null: the first row of each file that matches one decides.")]
    [KnownAs(LlamaFactory = "formatting", Others = "dataset_type")]
    [NotInHash]
    public string? Format { get; init; }
    [Meaning("Names that the keys of the form have in the files, such as `{ prompt: question, completion: answer }`.")]
    [KnownAs(Torchtune = "dataset.column_map", LlamaFactory = "columns")]
    [NotInHash]
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();
    [Meaning("Which of the assistant's turns are learnt: all (but those that a row marks with `weight: 0`), or the last one of each row.")]
    [KnownAs(Trl = "assistant_only_loss", LlamaFactory = "mask_history", Others = "train_on_inputs, roles_to_train")]
    [NotInHash]
    public LearntTurns Learn { get; init; } = LearntTurns.All;
    [Meaning("Longest sequence, in tokens; a longer row is cut.")]
    [KnownAs(Trl = "max_length, max_seq_length", Torchtune = "tokenizer.max_seq_len", LlamaFactory = "cutoff_len", Others = "sequence_len, model_max_length, block_size")]
    public int MaxLength { get; init; } = 8192;
    [Meaning("Put several short rows into one sequence; no row sees another.")]
    [KnownAs(Trl = "packing", Torchtune = "dataset.packed", LlamaFactory = "neat_packing", Others = "sample_packing")]
    public bool Packing { get; init; } = true;
    [Meaning("A new order of the rows in each pass, decided by the seed.")]
    [KnownAs(Trl = "shuffle_dataset", Torchtune = "shuffle", LlamaFactory = "disable_shuffling")]
    public bool Shuffle { get; init; } = true;
    [Meaning("default: the ids of current tokenizers; legacy: those of the old slow tokenizer, for parity.")]
    [KnownAs(LlamaFactory = "template", Others = "chat_template")]
    public ChatForm Chat { get; init; } = ChatForm.Default;
    [Meaning("stop: a row that cannot be used ends the run before it starts; skip: it is listed and left out.")]
    public BadRows BadRows { get; init; } = BadRows.Stop;
    [Meaning("stop: a damaged file (broken off, a wrong checksum, something behind its end) ends the run before it starts; keep_whole_rows: it is listed, and the whole rows before the damage are used.")]
    [NotInHash]
    public BadFiles BadFiles { get; init; } = BadFiles.Stop;
    [Meaning("Directory of encoded rows and reference log-probabilities; null: TULU2_CACHE, else ~/.cache/tulu2.")]
    [KnownAs(Others = "cache_dir, dataset_prepared_path")]
    [PathKey, NotInHash]
    public string? Cache { get; init; }

    /// <summary>The files of all sources, in order, and how each is read.</summary>
    public IReadOnlyList<DataFile> Files => FilesOf(Train);

    /// <summary>The files of some sources, in order, and how each is read.</summary>
    public IReadOnlyList<DataFile> FilesOf(IReadOnlyList<DataSourceRecipe> sources) => [.. sources.SelectMany(source => source.Files.Select(file => new DataFile(file)
    {
        Format = source.Format ?? Format,
        Columns = source.Columns ?? Columns,
        Learn = source.Learn ?? Learn,
    }))];
}

public enum BadRows { Stop, Skip }

public enum BadFiles
{
    Stop,
    [Spelled("keep_whole_rows")]
    KeepWholeRows,
}

public sealed record BatchRecipe
{
    [Meaning("Sequences (for dpo: pairs) of an optimizer step, over all ranks together.")]
    [KnownAs(Trl = "gradient_accumulation_steps", Torchtune = "gradient_accumulation_steps", Others = "batch_size, global_batch_size, train_batch_size")]
    public int Global { get; init; } = 128;
    [Meaning("Sequences (for dpo: pairs) that a rank computes at a time; divides batch.global. Steps do not depend on the number of ranks.")]
    [KnownAs(Trl = "per_device_train_batch_size", Torchtune = "batch_size", Others = "micro_batch_size")]
    public int Slot { get; init; } = 4;
}

public sealed record OptimizerRecipe
{
    [Meaning("The highest rate of the schedule.")]
    [KnownAs(Trl = "learning_rate", Torchtune = "optimizer.lr")]
    [Changeable]
    public double LearningRate { get; init; } = 2e-5;
    [Meaning("AdamW's decay of the first moment.")]
    [KnownAs(Trl = "adam_beta1", Torchtune = "optimizer.betas")]
    public double Beta1 { get; init; } = 0.9;
    [Meaning("AdamW's decay of the second moment.")]
    [KnownAs(Trl = "adam_beta2", Torchtune = "optimizer.betas")]
    public double Beta2 { get; init; } = 0.95;
    [Meaning("AdamW's term in the denominator.")]
    [KnownAs(Trl = "adam_epsilon", Torchtune = "optimizer.eps")]
    public double Epsilon { get; init; } = 1e-8;
    [Meaning("AdamW's decoupled weight decay.")]
    [KnownAs(Trl = "weight_decay", Torchtune = "optimizer.weight_decay")]
    public double WeightDecay { get; init; }
    [Meaning("Largest global L2 norm of the gradient; 0: no clipping.")]
    [KnownAs(Trl = "max_grad_norm", Torchtune = "clip_grad_norm", Others = "gradient_clipping, grad_clip")]
    public double Clip { get; init; } = 1.0;
}

public sealed record ScheduleRecipe
{
    [Meaning("linear: warm-up, then straight down to the floor at the end of the run; cosine: along half a cosine wave; constant: warm-up, then level.")]
    [KnownAs(Trl = "lr_scheduler_type", Torchtune = "lr_scheduler", Others = "lr_scheduler")]
    [Changeable]
    public ScheduleKind Kind { get; init; } = ScheduleKind.Linear;
    [Meaning("Below 1: a ratio of all steps; from 1 on: steps.")]
    [KnownAs(Trl = "warmup_ratio, warmup_steps", Torchtune = "lr_scheduler.num_warmup_steps")]
    [Changeable]
    public double Warmup { get; init; } = 0.03;
    [Meaning("The rate at the end of the run, as a part of optimizer.learning_rate: 0.1 ends at a tenth of it.")]
    [KnownAs(Trl = "lr_scheduler_kwargs.min_lr_rate", Others = "min_lr_rate, min_lr_ratio, cosine_min_lr_ratio")]
    [Changeable]
    public double Floor { get; init; }
}

public enum ScheduleKind { Linear, Cosine, Constant }

public sealed record ValidationRecipe
{
    [Meaning("Row files that are not trained on, as in data.train but without weights: the model is measured on them during the run.")]
    [KnownAs(Trl = "eval_dataset", LlamaFactory = "eval_dataset", Others = "validation_file, val_data, test_datasets, val_dataset")]
    [PathKey, NotInHash]
    public IReadOnlyList<DataSourceRecipe> Data { get; init; } = [];
    [Meaning("In place of files: the share of data.train that is measured on and not trained on. A row's own content decides on which side it is, so more rows move none.")]
    [KnownAs(LlamaFactory = "val_size", Others = "val_set_size, validation_split, validation_split_percentage")]
    public double Share { get; init; }
    [Meaning("Steps between validations; the last step is validated too.")]
    [KnownAs(Trl = "eval_steps", Torchtune = "run_val_every_n_steps", Others = "val_check_interval, evals_per_epoch")]
    [NotInHash, Changeable]
    public int Every { get; init; } = 50;
    [Meaning("The value that decides which validation is the best: loss, or one of rewards_accuracy (dpo) and rewards_margin (dpo, kto).")]
    [KnownAs(Trl = "metric_for_best_model")]
    [NotInHash, Changeable]
    public string Metric { get; init; } = "loss";
    [Meaning("Validations in a row that are no better than the best before them, after which the run ends; 0: it runs to its last step.")]
    [KnownAs(Others = "early_stopping_patience")]
    [NotInHash, Changeable]
    public int Patience { get; init; }
    [Meaning("Keep the checkpoint of the best validation and export it as exports/best.")]
    [KnownAs(Trl = "load_best_model_at_end")]
    [NotInHash, Changeable]
    public bool KeepBest { get; init; } = true;

    /// <summary>The run validates.</summary>
    public bool IsOn => Data.Count > 0 || Share > 0;
}

public sealed record ParallelRecipe
{
    [Meaning("Replicas of the model; 0: as many as there are processors for, at most one per slot.")]
    [KnownAs(Torchtune = "data_parallel_replicate_dim", Others = "nproc_per_node, num_processes")]
    [NotInHash]
    public int Data { get; init; }
    [Meaning("Ranks that share each matrix; divides the virtual shards.")]
    [KnownAs(Torchtune = "tensor_parallel_dim", Others = "tensor_parallel_size, tp_size, tensor_model_parallel_size")]
    [NotInHash]
    public int Tensor { get; init; } = 1;
    [Meaning("Stages that the layers are cut into.")]
    [KnownAs(Others = "pipeline_parallel_size, pp_size, pipeline_model_parallel_size")]
    [NotInHash]
    public int Pipeline { get; init; } = 1;
    [Meaning("Replicas over which master weights and moments are spread (ZeRO-1); divides parallel.data.")]
    [KnownAs(Trl = "deepspeed, fsdp", Torchtune = "data_parallel_shard_dim")]
    [NotInHash]
    public int Zero { get; init; } = 1;
    [Meaning("Partial sums of every sum that tensor parallelism may cut: part of the numbers, like the seed.")]
    public int VirtualShards { get; init; } = 4;
    [Meaning("true: refuse a layout whose result could differ by a bit from one rank's; false: see recipes/README.md.")]
    [NotInHash]
    public bool Bitwise { get; init; } = true;
    [Meaning("With tensor parallelism: each rank keeps only its share of the residual streams' rows for the backward pass, which gathers the others again.")]
    [KnownAs(Others = "sequence_parallel")]
    [NotInHash]
    public bool SplitActivations { get; init; }
    [Meaning("Where compute weights and activations lie. Like the type of processor a fact of the machine: other bits, but no other recipe.")]
    [KnownAs(Torchtune = "device", Others = "use_cpu")]
    [NotInHash]
    public ComputeDevice Device { get; init; } = ComputeDevice.Cpu;
    [Meaning("What goes between worker processes. auto: shared memory within a host, TCP between hosts; tcp: TCP only; nccl: as auto, and tensor-parallel sums of CUDA tensors by NCCL.")]
    [KnownAs(Others = "ddp_backend")]
    [NotInHash]
    public RankTransport Transport { get; init; } = RankTransport.Auto;
    [Meaning("Begin to add gradients up over replicas in the last slot's backward pass; not where they lie on a GPU. For slow links: where every core has a rank, the second thread costs more than it hides.")]
    [NotInHash]
    public bool Overlap { get; init; }
    [Meaning("Where ranks have no twins, keep a copy of each rank's master weights and moments on another rank, on another node where there is one, so that a lost rank takes nobody back to a checkpoint. auto: on a cluster, and where the memory of one machine allows it.")]
    [NotInHash]
    public StandbyUse Standby { get; init; } = StandbyUse.Auto;
    [Meaning("Worker processes that each node keeps ready without a rank, beside those of its ranks: one that takes the place of a lost worker saves the second or more that a new process needs to start.")]
    [NotInHash]
    public int Spares { get; init; } = 1;
    [Meaning("Replicas with which a run goes on while others have no workers: lost ones are waited for a quarter of a second, and come back at a later step. The result has the same bits. With the degree of data parallelism the run waits for all.")]
    [NotInHash]
    public int MinData { get; init; } = 1;
    [Meaning("Seconds without progress after which a rank counts as hung and is replaced; never less than 8 of the run's slowest steps.")]
    [KnownAs(Trl = "ddp_timeout")]
    [NotInHash, Changeable]
    public int Patience { get; init; } = 120;
}

public sealed record LossSpikeRecipe
{
    [Meaning("A step whose loss is more than so many times the median of the steps before takes the run back by rollback steps; 0: none does.")]
    [NotInHash, Changeable]
    public double Factor { get; init; }
    [Meaning("Steps that the median is of; before there are so many no loss is a spike.")]
    [NotInHash, Changeable]
    public int Window { get; init; } = 64;
}

public sealed record VerifyRecipe
{
    [Meaning("Of every so many-th step one slot is computed by two replicas (twice by the same, where there is one), and the step changes a weight only if both gradients have the same bits: a machine that computes wrongly is found, and named. 0: never.")]
    [NotInHash, Changeable]
    public int Slots { get; init; } = 100;
}

public enum ComputeDevice { Cpu, Cuda }

public enum RankTransport { Auto, Tcp, Nccl }

public enum StandbyUse { Auto, On, Off }

public sealed record CheckpointRecipe
{
    [Meaning("Steps between checkpoints; 0: only the last step's.")]
    [KnownAs(Trl = "save_steps", Others = "save_every_n_steps")]
    [NotInHash, Changeable]
    public int Every { get; init; } = 100;
    [Meaning("Newest checkpoints kept.")]
    [KnownAs(Trl = "save_total_limit", Others = "keep_last_n_checkpoints")]
    [NotInHash, Changeable]
    public int Keep { get; init; } = 3;
    [Meaning("A second place, on another file system: each checkpoint is copied to it in the background, and --resume takes from it what is missing or damaged in the run directory. A directory of this run alone; null: none.")]
    [PathKey, NotInHash]
    public string? Mirror { get; init; }
    [Meaning("Seconds that the end of a run waits at most for the copy of the last checkpoint.")]
    [NotInHash, Changeable]
    public int MirrorWait { get; init; } = 600;
    [Meaning("Seconds after which a checkpoint that is not written is given up, as where a file system does not answer: training goes on, and the next one is tried when it is due. More than an hour has no effect.")]
    [NotInHash, Changeable]
    public int Deadline { get; init; } = 1800;
}
