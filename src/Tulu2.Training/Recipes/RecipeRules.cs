using Tulu2.Files;

namespace Tulu2.Training.Recipes;

/// <summary>What makes sense in a recipe, as far as it can be said without opening any other file.</summary>
internal static class RecipeRules
{
    /// <summary>Makes the complaint about a key: (key, what, fix).</summary>
    internal delegate BadInputException Fault(string key, string what, string fix);

    public static void Check(Recipe recipe, Fault fault)
    {
        CheckModel(recipe.Model, fault);
        CheckData(recipe, fault);
        CheckOptimizer(recipe, fault);
        CheckObjective(recipe, fault);
        CheckLayout(recipe, fault);
        AtLeast("parallel.patience", recipe.Parallel.Patience, 1, fault);
        AtLeast("checkpoint.every", recipe.Checkpoint.Every, 0, fault);
        AtLeast("checkpoint.keep", recipe.Checkpoint.Keep, 1, fault);
        AtLeast("seed", recipe.Seed, 0, fault);
        if (recipe.Lora is not null)
            throw fault("lora.rank", "adapters are not trained by this version", "remove `lora` to train all weights");
    }

    private static void CheckModel(ModelRecipe model, Fault fault)
    {
        if (model.Path is null && model.Preset is null)
            throw fault("model.path", "no model is named", "give model.path (a Hugging Face directory), or model.preset for random weights");
        if (model is { Preset: not null, Tokenizer: null })
            throw fault("model.tokenizer", "random weights bring no tokenizer", "give model.tokenizer, a directory with tokenizer.model or tokenizer.json");
        if (model.RmsNormEpsilon is { } epsilon) Above("model.rms_norm_epsilon", epsilon, 0, fault);
        if (model.RopeTheta is { } theta) Above("model.rope_theta", theta, 0, fault);
    }

    private static void CheckData(Recipe recipe, Fault fault)
    {
        if (recipe.Data.Train.Count == 0) throw fault("data.train", "no training file is named", "give data.train: [rows.jsonl]");
        AtLeast("data.max_length", recipe.Data.MaxLength, 2, fault);
        AtLeast("batch.global", recipe.Batch.Global, 1, fault);
        AtLeast("batch.slot", recipe.Batch.Slot, 1, fault);
        var (global, slot) = (recipe.Batch.Global, recipe.Batch.Slot);
        if (global % slot != 0)
        {
            var divisors = Enumerable.Range(1, Math.Min(global, slot)).Where(size => global % size == 0).TakeLast(1);
            throw fault("batch.global", $"{NumberText.Count(global, "sequence does", "sequences do")} not divide into slots of {slot}",
                $"use a multiple of {slot}, or batch.slot: {divisors.Single()}");
        }
        if (recipe.Epochs is { } epochs) Above("epochs", epochs, 0, fault);
        if (recipe.Steps is { } steps) AtLeast("steps", steps, 1, fault);
    }

    private static void CheckOptimizer(Recipe recipe, Fault fault)
    {
        var optimizer = recipe.Optimizer;
        AtLeast("optimizer.learning_rate", optimizer.LearningRate, 0, fault);
        Ratio("optimizer.beta1", optimizer.Beta1, fault);
        Ratio("optimizer.beta2", optimizer.Beta2, fault);
        Above("optimizer.epsilon", optimizer.Epsilon, 0, fault);
        AtLeast("optimizer.weight_decay", optimizer.WeightDecay, 0, fault);
        AtLeast("optimizer.clip", optimizer.Clip, 0, fault);
        var warmup = recipe.Schedule.Warmup;
        AtLeast("schedule.warmup", warmup, 0, fault);
        if (warmup >= 1 && warmup != Math.Floor(warmup))
            throw fault("schedule.warmup", $"{RecipeValue.Write(warmup)} is neither a ratio below 1 nor a whole number of steps", "use, say, 0.03 or 100");
        if (warmup >= 1 && recipe.Steps is { } steps && warmup > steps)
            throw fault("schedule.warmup", $"{RecipeValue.Write(warmup)} steps of warm-up are more than the run's {steps}", "use fewer, or a ratio below 1");
    }

    private static void CheckObjective(Recipe recipe, Fault fault)
    {
        var dpo = recipe.Dpo;
        Above("dpo.beta", dpo.Beta, 0, fault);
        if (dpo.LabelSmoothing is < 0 or >= 0.5)
            throw fault("dpo.label_smoothing", $"{RecipeValue.Write(dpo.LabelSmoothing)} is not in [0, 0.5)", "use 0 for labels that are all right");
        if (dpo is { Loss: DpoLoss.Ipo, LabelSmoothing: not 0 })
            throw fault("dpo.label_smoothing", "the ipo loss has no label smoothing", "remove it, or use dpo.loss: sigmoid");
        // The defaults say nothing, so that a recipe with every key written out can be read again; another value would be ignored.
        var idle = RecipeKey.All.FirstOrDefault(key => key.Section == "dpo" && !Equals(key.Read(recipe), key.Read(new Recipe())));
        if (recipe.Objective == Objective.Sft && idle is not null)
            throw fault(idle.Name, "has no effect with objective: sft", "remove it, or use objective: dpo");
    }

    private static void CheckLayout(Recipe recipe, Fault fault)
    {
        var parallel = recipe.Parallel;
        AtLeast("parallel.data", parallel.Data, 0, fault);
        var slots = recipe.Batch.Global / recipe.Batch.Slot;
        if (parallel.Data > slots)
            throw fault("parallel.data", $"{parallel.Data} replicas share only {NumberText.Count(slots, "slot")} a step, so some would idle",
                $"use at most {slots}, or a smaller batch.slot");
        AtLeast("parallel.tensor", parallel.Tensor, 1, fault);
        AtLeast("parallel.pipeline", parallel.Pipeline, 1, fault);
        AtLeast("parallel.zero", parallel.Zero, 1, fault);
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

    private static void AtLeast(string key, double value, double least, Fault fault)
    {
        if (!(value >= least)) throw fault(key, $"{RecipeValue.Write(value)} is below {RecipeValue.Write(least)}", $"use {RecipeValue.Write(least)} or more");
    }

    private static void Above(string key, double value, double bound, Fault fault)
    {
        if (!(value > bound))
            throw fault(key, $"{RecipeValue.Write(value)} is not above {RecipeValue.Write(bound)}", $"use a value above {RecipeValue.Write(bound)}");
    }

    private static void Ratio(string key, double value, Fault fault)
    {
        if (value is not (>= 0 and < 1)) throw fault(key, $"{RecipeValue.Write(value)} is not in [0, 1)", "use, say, 0.9");
    }
}
