using Tulu2.Files;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;
using Xunit;

namespace Tulu2.Tests.Training.Recipes;

public class RecipeChangesTests
{
    private static readonly LoadedRecipe Begun = RecipeReader.LoadText("recipe.yaml", "model: { preset: tiny, tokenizer: t }\ndata: { train: [rows.jsonl] }\nepochs: 2\n");

    private static RecipeChange Change(Recipe now, int after, params string[] flags) => Assert.IsType<RecipeChange>(RecipeChanges.Read(flags, now, after));

    [Fact]
    public void A_change_is_read_from_flags_and_back_from_its_text()
    {
        var change = Change(Begun.Recipe, 10, "optimizer.learning_rate=1e-5", "schedule={ kind: constant, warmup: 0 }", "steps=30", "checkpoint.every=5", "parallel.patience=9");
        Assert.Equal("after step 10: optimizer.learning_rate 2E-05 -> 1E-05, schedule.kind linear -> constant, schedule.warmup 0.03 -> 0, steps null -> 30, "
            + "checkpoint.every 100 -> 5, parallel.patience 120 -> 9, epochs 2 -> null", change.Text);
        Assert.Equal(change.Text, RecipeChange.Parse(change.Text)?.Text);
        var changed = RecipeChanges.Apply(Begun, [change]).Recipe;
        Assert.Equal((1e-5, ScheduleKind.Constant, 30, null, 5), (changed.Optimizer.LearningRate, changed.Schedule.Kind, changed.Steps, changed.Epochs, changed.Checkpoint.Every));
        // The recipe it was made of is left as it was, and comes back.
        Assert.Equal(2e-5, Begun.Recipe.Optimizer.LearningRate);
        Assert.Equal(RecipeWriter.Write(Begun.Recipe), RecipeWriter.Write(RecipeChanges.Stages(changed, [change])[0]));
        Assert.Null(RecipeChanges.Read(["optimizer.learning_rate=1e-5"], changed, 12));
        Assert.Null(RecipeChange.Parse("after step 10: seed 1 -> 2"));
        Assert.Null(RecipeChange.Parse("after step x: steps 1 -> 2"));
    }

    [Theory]
    [InlineData("seed=7", "--change seed=7: seed", "it decides which rows a step has")]
    [InlineData("batch.global=64", "--change batch.global=64: batch.global", "it decides which rows a step has")]
    [InlineData("optimizer.beta2=0.9", "--change optimizer.beta2=0.9: optimizer.beta2", "the moments of the steps that are made")]
    [InlineData("precision=fp32", "--change precision=fp32: precision", "it decides what a step computes")]
    [InlineData("parallel.data=2", "--change parallel.data=2: parallel.data", "is no part of what the run is")]
    [InlineData("optimizer.learning_rate=-1", "--change optimizer.learning_rate=-1: optimizer.learning_rate", "-1 is below 0")]
    [InlineData("optimizer.learning_rate=fast", "--change optimizer.learning_rate=fast: optimizer.learning_rate", "wants a number")]
    [InlineData("no.such=1", "--change no.such=1", "unknown key")]
    [InlineData("steps", "--change steps", "is not of the form key=value")]
    public void What_may_not_be_changed_is_refused_with_its_reason(string flag, string where, string what)
    {
        var refused = Assert.Throws<BadInputException>(() => RecipeChanges.Read([flag], Begun.Recipe, 10));
        Assert.Equal(where, refused.Where);
        Assert.Contains(what, refused.What);
    }

    [Fact]
    public void A_recipe_given_later_may_say_what_it_said_or_what_the_run_has_but_nothing_else()
    {
        var first = Change(Begun.Recipe, 10, "optimizer.learning_rate=1e-5", "checkpoint.every=5");
        var second = Change(RecipeChanges.After(Begun.Recipe, first), 20, "optimizer.learning_rate=5e-6");
        RecipeChange[] changes = [first, second];
        LoadedRecipe With(double rate, int every = 100) => Begun.With(Begun.Recipe with { Optimizer = new() { LearningRate = rate }, Checkpoint = new() { Every = every } });
        foreach (var rate in new[] { 2e-5, 1e-5, 5e-6 })
            Assert.Equal((5e-6, 5), (RecipeChanges.Apply(With(rate), changes).Recipe.Optimizer.LearningRate, RecipeChanges.Apply(With(rate), changes).Recipe.Checkpoint.Every));
        Assert.Contains("add --change optimizer.learning_rate=3E-06", Assert.Throws<BadInputException>(() => RecipeChanges.Apply(With(3e-6), changes)).Fix);
        // What decides no bit is the resume's own business.
        Assert.Equal(7, RecipeChanges.Apply(With(2e-5, every: 7), changes).Recipe.Checkpoint.Every);
    }

    [Fact]
    public void A_runs_hash_is_that_of_its_begin_and_of_what_was_changed_when()
    {
        RecipeChange Rate(int after, string to) => Change(Begun.Recipe, after, $"optimizer.learning_rate={to}");
        string Of(params RecipeChange[] changes) => RecipeChanges.Hashes("begun", changes)[^1];
        Assert.Equal("begun", Of());
        Assert.Equal("begun", Of(Change(Begun.Recipe, 3, "checkpoint.every=5", "parallel.patience=9")));
        Assert.Equal(Of(Rate(3, "1e-5")), Of(Rate(3, "0.00001")));
        Assert.Equal(4, new[] { "begun", Of(Rate(3, "1e-5")), Of(Rate(4, "1e-5")), Of(Rate(3, "1e-6")) }.Distinct().Count());
    }

    [Fact]
    public void The_rate_of_an_update_is_that_of_the_last_decision_that_holds_for_it()
    {
        ScheduleSegment At(int from, double rate) => new(from, ScheduleKind.Constant, rate, 100, 0);
        // The third was decided after a checkpoint was lost, and so takes the place of what the second said.
        ScheduleSegment[] segments = [At(0, 1), At(10, 2), At(8, 3)];
        Assert.Equal([1, 3, 3, 3], new[] { 7, 8, 10, 50 }.Select(update => ScheduleSegment.At(segments, update)));
        Assert.Equal([1, 1, 2, 2], new[] { 7, 9, 10, 50 }.Select(update => ScheduleSegment.At(segments[..2], update)));
    }

    [Fact]
    public void A_recipe_that_differs_only_in_what_may_be_changed_says_how()
    {
        var slower = Begun.Recipe with { Optimizer = new() { LearningRate = 1e-6 }, Steps = 40, Epochs = null };
        Assert.Equal(["--change steps=40", "--change optimizer.learning_rate=1E-06"], RecipeChanges.Flags(Begun.Recipe, slower));
        Assert.Null(RecipeChanges.Flags(Begun.Recipe, slower with { Seed = 1 }));
    }
}
