using Tulu2.Data.Chat;
using Tulu2.Data.Slots;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;
using Xunit;

namespace Tulu2.Tests.Training.Recipes;

/// <summary>Every recipe in <c>recipes/</c> can be read, and those of the paper have the paper's numbers.</summary>
public class ShippedRecipeTests
{
    private static readonly string Folder = Checkout.Path("recipes");

    public static TheoryData<string> Names => new(Directory.GetFiles(Folder, "*.yaml").Select(file => Path.GetFileName(file)!));

    [Theory]
    [MemberData(nameof(Names))]
    public void It_reads_and_trains_only_what_it_names(string name)
    {
        var recipe = RecipeReader.Load(Path.Combine(Folder, name), []).Recipe;
        Assert.Equal(name.Contains("dpo") ? Objective.Dpo : name.Contains("kto") ? Objective.Kto : Objective.Sft, recipe.Objective);
        Assert.All(recipe.Data.Files, file => Assert.True(Path.IsPathFullyQualified(file.Path)));
    }

    [Theory]
    [InlineData("7b", 2e-5)]
    [InlineData("13b", 2e-5)]
    [InlineData("70b", 1e-5)]
    public void The_papers_numbers_stand_in_its_recipes(string size, double rate)
    {
        var sft = RecipeReader.Load(Path.Combine(Folder, $"tulu2-sft-{size}.yaml"), []).Recipe;
        Assert.Equal((rate, 2.0, 128, 8192, 0.03), (sft.Optimizer.LearningRate, sft.Epochs, sft.Batch.Global, sft.Data.MaxLength, sft.Schedule.Warmup));
        var dpo = RecipeReader.Load(Path.Combine(Folder, $"tulu2-dpo-{size}.yaml"), []).Recipe;
        Assert.Equal((5e-7, 3.0, 32, 8192, 0.1, 0.1),
            (dpo.Optimizer.LearningRate, dpo.Epochs, dpo.Batch.Global, dpo.Data.MaxLength, dpo.Schedule.Warmup, dpo.Dpo.Beta));
    }

    // The paper's QLoRA (open-instruct's finetune_qlora_with_accelerate.sh).
    [Theory]
    [InlineData("7b")]
    [InlineData("13b")]
    [InlineData("70b")]
    public void So_do_those_of_its_adapters(string size)
    {
        var recipe = RecipeReader.Load(Path.Combine(Folder, $"tulu2-qlora-{size}.yaml"), []).Recipe;
        Assert.Equal((1e-4, 5.0, 128, 4096, 0.03, 0.0),
            (recipe.Optimizer.LearningRate, recipe.Epochs, recipe.Batch.Global, recipe.Data.MaxLength, recipe.Schedule.Warmup, recipe.Optimizer.WeightDecay));
        Assert.Equivalent(new LoraRecipe { Rank = 64, Alpha = 16, Dropout = 0.1, Quantize = Quantization.Nf4, DoubleQuant = true }, recipe.Lora, strict: true);
    }

    // docs/reference/tulu2.md, SFT and DPO: the rows of the released sets.
    [Theory]
    [InlineData("tulu2-sft-7b", 326_154, 5096, 153)]
    [InlineData("tulu2-sft-13b", 326_154, 5096, 153)]
    [InlineData("tulu2-sft-70b", 326_154, 5096, 153)]
    [InlineData("codetulu2-sft-7b", 326_154, 5096, 153)]
    [InlineData("codetulu2-sft-13b", 326_154, 5096, 153)]
    [InlineData("codetulu2-sft-34b", 326_154, 5096, 153)]
    [InlineData("tulu2-qlora-7b", 326_154, 12740, 383)]
    [InlineData("tulu2-dpo-7b", 61_966, 5808, 581)]
    [InlineData("tulu2-dpo-13b", 61_966, 5808, 581)]
    [InlineData("tulu2-dpo-70b", 61_966, 5808, 581)]
    [InlineData("tulu2-dpo-70b", 60_829, 5700, 570)]
    [InlineData("tulu2-dpo-70b", 61_135, 5730, 573)]
    public void Rows_of_the_papers_number_make_the_papers_steps(string name, int rows, int steps, int warmup)
    {
        var recipe = RecipeReader.Load(Path.Combine(Folder, $"{name}.yaml"), []).Recipe;
        var plan = new BatchPlan(new CountedSequences(rows), new BatchSettings(recipe.Batch.Global, recipe.Batch.Slot, Epochs: recipe.Epochs));
        Assert.Equal((steps, warmup), (plan.TotalSteps, ScheduleSegment.Warmup(recipe, plan.TotalSteps)));
        Assert.Equal(0, ScheduleSegment.At([ScheduleSegment.Of(recipe, steps)], 0));
    }

    private sealed class CountedSequences(int count) : ITokenSource
    {
        public int Sequences => count;

        public int Length(int sequence) => 1;

        public int LossTokens(int sequence) => 1;

        public ReadOnlySpan<int> Ids(int sequence) => throw new NotSupportedException();

        public ReadOnlySpan<LossSpan> Spans(int sequence) => throw new NotSupportedException();
    }
}
