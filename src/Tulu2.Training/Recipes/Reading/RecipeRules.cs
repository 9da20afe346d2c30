using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Tulu2.Training.Objectives;

namespace Tulu2.Training.Recipes.Reading;

/// <summary>What makes sense in a recipe, as far as it can be said without opening any other file.</summary>
internal static class RecipeRules
{
    private static readonly Recipe Defaults = new();

    public static void Check(Recipe recipe, RecipeFault fault)
    {
        CheckModel(recipe.Model, fault);
        CheckData(recipe, fault);
        CheckOptimizer(recipe, fault);
        CheckObjective(recipe, fault);
        CheckValidation(recipe, fault);
        CheckEvaluation(recipe.Evaluation, fault);
        CheckLayout(recipe, fault);
        fault.AtLeast("parallel.patience", recipe.Parallel.Patience, 1);
        fault.AtLeast("parallel.min_data", recipe.Parallel.MinData, 1);
        fault.AtLeast("parallel.spares", recipe.Parallel.Spares, 0);
        fault.AtLeast("checkpoint.every", recipe.Checkpoint.Every, 0);
        fault.AtLeast("checkpoint.keep", recipe.Checkpoint.Keep, 1);
        fault.AtLeast("checkpoint.mirror_wait", recipe.Checkpoint.MirrorWait, 0);
        fault.AtLeast("checkpoint.deadline", recipe.Checkpoint.Deadline, 1);
        fault.AtLeast("loss_spike.factor", recipe.LossSpike.Factor, 0);
        fault.AtLeast("loss_spike.window", recipe.LossSpike.Window, 2);
        fault.AtLeast("rollback", recipe.Rollback, 1);
        fault.AtLeast("verify.slots", recipe.Verify.Slots, 0);
        fault.AtLeast("seed", recipe.Seed, 0);
        if (recipe.Lora is { } lora) CheckAdapters(lora, fault);
    }

    private static void CheckModel(ModelRecipe model, RecipeFault fault)
    {
        if (model.Path is null && model.Preset is null)
            throw fault("model.path", "no model is named", "give model.path (a Hugging Face directory), or model.preset for random weights");
        if (model is { Preset: not null, Tokenizer: null })
            throw fault("model.tokenizer", "random weights bring no tokenizer", "give model.tokenizer, a directory with tokenizer.model or tokenizer.json");
        if (model.RmsNormEpsilon is { } epsilon) fault.Above("model.rms_norm_epsilon", epsilon, 0);
        if (model.RopeTheta is { } theta) fault.Above("model.rope_theta", theta, 0);
    }

    private static void CheckData(Recipe recipe, RecipeFault fault)
    {
        if (recipe.Data.Train.Count == 0) throw fault("data.train", "no training file is named", "give data.train: [rows.jsonl]");
        foreach (var format in recipe.Data.Train.Select(source => source.Format).Append(recipe.Data.Format).OfType<string>()) CheckFormat("data.format", format, fault);
        fault.AtLeast("data.max_length", recipe.Data.MaxLength, 2);
        fault.AtLeast("batch.global", recipe.Batch.Global, 1);
        fault.AtLeast("batch.slot", recipe.Batch.Slot, 1);
        var (global, slot) = (recipe.Batch.Global, recipe.Batch.Slot);
        if (global % slot != 0)
        {
            var divisors = Enumerable.Range(1, Math.Min(global, slot)).Where(size => global % size == 0).TakeLast(1);
            throw fault("batch.global", $"{NumberText.Count(global, "sequence does", "sequences do")} not divide into slots of {slot}",
                $"use a multiple of {slot}, or batch.slot: {divisors.Single()}");
        }
        if (recipe.Epochs is { } epochs) fault.Above("epochs", epochs, 0);
        if (recipe.Steps is { } steps) fault.AtLeast("steps", steps, 1);
    }

    private static void CheckAdapters(LoraRecipe lora, RecipeFault fault)
    {
        fault.AtLeast("lora.rank", lora.Rank, 1);
        fault.Above("lora.alpha", lora.Alpha, 0);
        fault.Ratio("lora.dropout", lora.Dropout);
        if (lora.Targets.Count == 0) throw fault("lora.targets", "names no projection", $"use {LoraRecipe.AllTargets}, or a list such as [q_proj, v_proj]");
        if (lora.Targets.Count > 1 && lora.Targets.Contains(LoraRecipe.AllTargets))
            throw fault("lora.targets", $"{LoraRecipe.AllTargets} stands beside others", "use it alone, or only the others");
        if (lora.Targets.GroupBy(target => target).FirstOrDefault(target => target.Count() > 1)?.Key is { } twice)
            throw fault("lora.targets", $"names {twice} twice", "name it once");
        if (lora is { Quantize: Quantization.None, DoubleQuant: false }) throw fault("lora.double_quant", "has no effect without lora.quantize: nf4", "remove it");
    }

    private static void CheckOptimizer(Recipe recipe, RecipeFault fault)
    {
        var optimizer = recipe.Optimizer;
        fault.AtLeast("optimizer.learning_rate", optimizer.LearningRate, 0);
        fault.Ratio("optimizer.beta1", optimizer.Beta1);
        fault.Ratio("optimizer.beta2", optimizer.Beta2);
        fault.Above("optimizer.epsilon", optimizer.Epsilon, 0);
        fault.AtLeast("optimizer.weight_decay", optimizer.WeightDecay, 0);
        fault.AtLeast("optimizer.clip", optimizer.Clip, 0);
        var warmup = recipe.Schedule.Warmup;
        fault.AtLeast("schedule.warmup", warmup, 0);
        fault.AtLeast("schedule.floor", recipe.Schedule.Floor, 0);
        if (recipe.Schedule.Floor > 1) throw fault("schedule.floor", $"{RecipeValue.Write(recipe.Schedule.Floor)} is above the rate it is a part of", "use a number from 0 to 1");
        if (recipe.Schedule is { Kind: ScheduleKind.Constant, Floor: not 0 }) throw fault("schedule.floor", "has no effect with schedule.kind: constant", "remove it, or use linear or cosine");
        if (warmup >= 1 && warmup != Math.Floor(warmup))
            throw fault("schedule.warmup", $"{RecipeValue.Write(warmup)} is neither a ratio below 1 nor a whole number of steps", "use, say, 0.03 or 100");
        if (warmup >= 1 && recipe.Steps is { } steps && warmup > steps)
            throw fault("schedule.warmup", $"{RecipeValue.Write(warmup)} steps of warm-up are more than the run's {steps}", "use fewer, or a ratio below 1");
    }

    private static void CheckObjective(Recipe recipe, RecipeFault fault)
    {
        foreach (var objective in ObjectiveCatalog.All) objective.Check(recipe, fault);
        var chosen = ObjectiveCatalog.Of(recipe.Objective);
        foreach (var other in ObjectiveCatalog.Idle(recipe.Objective))
        {
            // A key that has its default is accepted, so that a recipe with every key written out can be read again; another value would be ignored.
            var idle = RecipeKey.All.FirstOrDefault(key => key.Section == other.Section && !Equals(key.Read(recipe), key.Read(Defaults)));
            if (idle is not null) throw fault(idle.Name, $"has no effect with objective: {chosen.Name}", $"remove it, or use objective: {other.Name}");
        }
    }

    private static void CheckValidation(Recipe recipe, RecipeFault fault)
    {
        var validation = recipe.Validation;
        if (validation.Share is not (>= 0 and < 1))
            throw fault("validation.share", $"{RecipeValue.Write(validation.Share)} is not in [0, 1)", "use, say, 0.02 for one row in fifty");
        if (validation is { Data.Count: > 0, Share: > 0 }) throw fault("validation.share", "both validation.data and validation.share are given", "keep one of them");
        if (validation.Data.Any(source => source is { Weight: not null } or { Sample: not null }))
            throw fault("validation.data", "a source has a weight or a sample, but a validation passes every row once", "remove it; limit: N takes the first N rows");
        foreach (var format in validation.Data.Select(source => source.Format).OfType<string>()) CheckFormat("validation.data", format, fault);
        fault.AtLeast("validation.every", validation.Every, 1);
        fault.AtLeast("validation.patience", validation.Patience, 0);
        if (validation.IsOn && !ObjectiveCatalog.Of(recipe.Objective).IsOfSequences)
            throw fault("validation", $"objective {ObjectiveCatalog.Of(recipe.Objective).Name} cannot be validated: it needs more than each sequence's summed log-probability",
                "remove `validation`, or use another objective");
        var metrics = ValidationMetrics.Of(recipe.Objective);
        if (!metrics.ContainsKey(validation.Metric))
            throw fault("validation.metric", $"objective {ObjectiveCatalog.Of(recipe.Objective).Name} has no '{validation.Metric}' to choose a model by", $"use one of {string.Join(", ", metrics.Keys)}");
    }

    // Whether the benchmarks exist is known above this floor.
    private static void CheckEvaluation(EvaluationRecipe evaluation, RecipeFault fault)
    {
        fault.AtLeast("evaluation.every", evaluation.Every, 1);
        fault.AtLeast("evaluation.full_every", evaluation.FullEvery, 0);
        fault.AtLeast("evaluation.evaluators", evaluation.Evaluators, 0);
        fault.AtLeast("evaluation.tensor", evaluation.Tensor, 1);
        if (evaluation.Limit is { } limit) fault.AtLeast("evaluation.limit", limit, 1);
        if (evaluation is { IsOn: true, Metric: { } metric } && !evaluation.Quick.Concat(evaluation.Full).Contains(metric))
            throw fault("evaluation.metric", $"'{metric}' is in neither suite", $"use one of {string.Join(", ", evaluation.Quick.Union(evaluation.Full))}, or leave it out");
        foreach (var (key, suite) in new[] { ("evaluation.quick", evaluation.Quick), ("evaluation.full", evaluation.Full) })
            if (suite.GroupBy(name => name).FirstOrDefault(name => name.Count() > 1)?.Key is { } twice) throw fault(key, $"names {twice} twice", "name it once");
    }

    private static void CheckFormat(string key, string format, RecipeFault fault)
    {
        if (!RowFormats.Names.Contains(format)) throw fault(key, $"there is no form of rows '{format}'", $"use one of {string.Join(", ", RowFormats.Names)}, or leave it out");
    }

    private static void CheckLayout(Recipe recipe, RecipeFault fault)
    {
        var parallel = recipe.Parallel;
        fault.AtLeast("parallel.data", parallel.Data, 0);
        var slots = recipe.Batch.Global / recipe.Batch.Slot;
        if (parallel.Data > slots)
            throw fault("parallel.data", $"{parallel.Data} replicas share only {NumberText.Count(slots, "slot")} a step, so some would idle",
                $"use at most {slots}, or a smaller batch.slot");
        fault.AtLeast("parallel.tensor", parallel.Tensor, 1);
        fault.AtLeast("parallel.pipeline", parallel.Pipeline, 1);
        fault.AtLeast("parallel.zero", parallel.Zero, 1);
        if (parallel.Zero > slots)
            throw fault("parallel.zero", $"{parallel.Zero} parts need as many replicas, which share only {NumberText.Count(slots, "slot")} a step",
                $"use at most {slots}, or a smaller batch.slot");
        if (parallel.Data % parallel.Zero != 0)
            throw fault("parallel.zero", $"{NumberText.Count(parallel.Data, "replica does", "replicas do")} not divide into groups of {parallel.Zero} that share the optimizer's state",
                $"use a divisor of {parallel.Data}, or another parallel.data");
        if (parallel is { Transport: RankTransport.Nccl, Device: not ComputeDevice.Cuda })
            throw fault("parallel.transport", "nccl sums only what lies on a GPU", "use parallel.device: cuda, or parallel.transport: auto");
        if (parallel.VirtualShards < 1 || !int.IsPow2(parallel.VirtualShards))
            throw fault("parallel.virtual_shards", $"{parallel.VirtualShards} is not a power of two", "use 1, 2, 4 or 8");
    }
}
