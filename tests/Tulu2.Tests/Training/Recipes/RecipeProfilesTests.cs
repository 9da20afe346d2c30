using Tulu2.Training.Objectives;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Training.Recipes;

public class RecipeProfilesTests
{
    private static readonly HashSet<string> Nothing = [];

    [Fact]
    public void Open_instruct_moves_beta2_rounds_the_warm_up_down_and_averages_over_slots()
    {
        var recipe = RecipeProfiles.Apply(new Recipe { Profile = Profile.OpenInstruct }, Nothing);
        Assert.Equal(0.999, recipe.Optimizer.Beta2);
        Assert.Equal(152, ScheduleSegment.Warmup(recipe, 5096));
        Assert.Equal(LossReduction.SlotMean, LossReductions.Of(recipe.Profile));
    }

    [Fact]
    public void A_key_that_the_user_gave_keeps_its_value()
    {
        var recipe = new Recipe { Profile = Profile.OpenInstruct, Optimizer = new() { Beta2 = 0.97 } };
        Assert.Equal(0.97, RecipeProfiles.Apply(recipe, new HashSet<string> { "optimizer.beta2" }).Optimizer.Beta2);
    }

    [Fact]
    public void Paper_tpu_uses_the_smaller_norm_epsilon_for_7b_and_13b_only()
    {
        double? Epsilon(string preset) =>
            RecipeProfiles.Apply(new Recipe { Profile = Profile.PaperTpu, Model = new() { Preset = preset } }, Nothing).Model.RmsNormEpsilon;
        Assert.Equal(1e-6, Epsilon("llama2-7b"));
        Assert.Equal(1e-6, Epsilon("llama2-13b"));
        Assert.Null(Epsilon("llama2-70b"));
        var recipe = new Recipe { Profile = Profile.PaperTpu, Model = new() { Path = "somewhere" } };
        Assert.Equal(1e-6, RecipeProfiles.RmsNormEpsilon(recipe, 4096, 32));
        Assert.Null(RecipeProfiles.RmsNormEpsilon(recipe, 8192, 80));
        Assert.Null(RecipeProfiles.RmsNormEpsilon(recipe with { Profile = Profile.Default }, 5120, 40));
    }

    [Fact]
    public void The_default_profile_changes_nothing()
    {
        var recipe = new Recipe();
        Assert.Equal(recipe, RecipeProfiles.Apply(recipe, Nothing));
        Assert.Equal(153, ScheduleSegment.Warmup(recipe, 5096));
    }
}
