using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;
using Xunit;

namespace Tulu2.Tests.Training.Recipes;

/// <summary>No key of the recipe can be forgotten: the keys are read off the records themselves.</summary>
public class RecipeKeyTests
{
    private static readonly Recipe Full = new() { Lora = new LoraRecipe() };

    public static TheoryData<string> Keys => new(RecipeKey.All.Select(key => key.Name));

    [Fact]
    public void The_keys_are_those_of_the_design() => Assert.Equal(
        """
        objective model.path model.preset model.tokenizer model.rms_norm_epsilon model.rope_theta model.recompute data.train data.format data.columns
        data.learn data.max_length data.packing data.shuffle data.chat data.bad_rows data.bad_files data.cache batch.global batch.slot epochs steps
        optimizer.learning_rate optimizer.beta1 optimizer.beta2
        optimizer.epsilon optimizer.weight_decay optimizer.clip schedule.kind schedule.warmup schedule.floor dpo.loss dpo.beta dpo.label_smoothing
        dpo.length_normalize dpo.gamma dpo.weighting dpo.sft_weight dpo.length_margin dpo.share_prompt kto.beta kto.desirable_weight kto.undesirable_weight lora.rank lora.alpha
        lora.dropout lora.targets lora.rslora lora.quantize lora.double_quant lora.adapter validation.data validation.share validation.every validation.metric validation.patience validation.keep_best
        evaluation.quick evaluation.every evaluation.full evaluation.full_every evaluation.data evaluation.rows evaluation.limit evaluation.mode evaluation.metric
        evaluation.keep_best evaluation.evaluators evaluation.tensor evaluation.judges
        precision profile parallel.data parallel.tensor parallel.pipeline parallel.zero parallel.virtual_shards
        parallel.bitwise parallel.split_activations parallel.device parallel.transport parallel.overlap parallel.standby parallel.spares parallel.min_data parallel.patience checkpoint.every checkpoint.keep
        checkpoint.mirror checkpoint.mirror_wait checkpoint.deadline verify.slots on_nonfinite loss_spike.factor loss_spike.window rollback on_poisoned_slot seed
        """.ReplaceLineEndings(" "),
        string.Join(' ', RecipeKey.All.Select(key => key.Name)));

    [Theory]
    [MemberData(nameof(Keys))]
    public void Every_key_is_reachable_by_set_printed_and_read_back(string name)
    {
        var key = RecipeKey.Find(name)!;
        var other = OtherValue.Of(key, Full);
        var set = RecipeReader.Parse("r.yaml", "", "/", [$"{name}={RecipeValue.Write(other)}"], "/").Recipe;
        Assert.Equivalent(other, key.Read(set), strict: true);

        var printed = RecipeWriter.Write(set);
        Assert.Contains(name[(name.LastIndexOf('.') + 1)..] + ": " + RecipeValue.Write(other), printed);
        Assert.Equal(printed, RecipeWriter.Write(RecipeReader.Parse("r.yaml", printed, "/elsewhere", [], "/elsewhere").Recipe));
    }

    [Fact]
    public void The_hash_covers_every_key_that_can_change_a_bit()
    {
        string[] free =
        [
            "checkpoint.deadline", "checkpoint.every", "checkpoint.keep", "checkpoint.mirror", "checkpoint.mirror_wait", "data.bad_files", "data.cache", "data.columns", "data.format", "data.learn", "data.train",
            "evaluation.data", "evaluation.evaluators", "evaluation.every", "evaluation.full", "evaluation.full_every", "evaluation.judges", "evaluation.keep_best",
            "evaluation.limit", "evaluation.metric", "evaluation.mode", "evaluation.quick", "evaluation.rows", "evaluation.tensor", "lora.adapter", "loss_spike.factor", "loss_spike.window", "model.path", "model.tokenizer",
            "on_nonfinite", "on_poisoned_slot", "parallel.bitwise", "parallel.data",
            "parallel.device", "parallel.min_data", "parallel.overlap", "parallel.patience", "parallel.pipeline", "parallel.spares", "parallel.split_activations", "parallel.standby", "parallel.tensor", "parallel.transport", "parallel.zero",
            "rollback", "validation.data", "validation.every", "validation.keep_best", "validation.metric", "validation.patience", "verify.slots",
        ];
        var before = RecipeHash.Of(Full, ["content"]);
        var unseen = RecipeKey.All.Where(key => RecipeHash.Of(Changed(key), ["content"]) == before).Select(key => key.Name).Order();
        Assert.Equal(free, unseen);
        Assert.NotEqual(before, RecipeHash.Of(Full, ["other content"]));
        Assert.Equal(["seed"], RecipeHash.Differences(Full, Full with { Seed = 7 }));
    }

    [Property(MaxTest = 200)]
    public Property Every_number_survives_writing_and_reading() => Prop.ForAll(ArbMap.Default.ArbFor<NormalFloat>(), number =>
        RecipeReader.Parse("r.yaml", "optimizer: { learning_rate: " + RecipeValue.Write(number.Get) + " }", "/", [], "/").Recipe.Optimizer.LearningRate
            .Equals(number.Get));

    [Property(MaxTest = 200)]
    public bool Every_text_survives_writing_and_reading(NonEmptyString text)
    {
        var recipe = new Recipe { Model = new ModelRecipe { Preset = text.Get } };
        return RecipeReader.Parse("r.yaml", RecipeWriter.Write(recipe), "/", [], "/").Recipe.Model.Preset == text.Get;
    }

    private static Recipe Changed(RecipeKey key)
    {
        var recipe = RecipeReader.Parse("r.yaml", RecipeWriter.Write(Full), "/", [], "/").Recipe with { Epochs = null };
        key.Write(recipe, OtherValue.Of(key, Full));
        return recipe;
    }
}
