using Tulu2.Files;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;
using Xunit;

namespace Tulu2.Tests.Training.Recipes;

/// <summary>What a recipe file may say, and how a wrong one is refused: with its line and a fix.</summary>
public class RecipeReaderTests
{
    private const string Good = """
        model: { path: base }
        data: { train: [rows.jsonl] }
        """;

    private static LoadedRecipe Read(string yaml, params string[] flags)
    {
        var loaded = RecipeReader.Parse("recipe.yaml", yaml, "/recipes", flags, "/here");
        RecipeRules.Check(loaded.Recipe, loaded.Fault);
        return loaded;
    }

    private static BadInputException Refused(string yaml, params string[] flags) => Assert.Throws<BadInputException>(() => Read(yaml, flags));

    [Fact]
    public void Every_key_left_out_has_its_default()
    {
        var recipe = Read(Good).Recipe;
        Assert.Equal(128, recipe.Batch.Global);
        Assert.Equal(2e-5, recipe.Optimizer.LearningRate);
        Assert.Equal(Precision.Bf16, recipe.Precision);
        Assert.Equal(2, recipe.Epochs);
        Assert.Null(recipe.Steps);
    }

    [Fact]
    public void Paths_are_relative_to_the_recipe_and_in_flags_to_the_current_directory()
    {
        Assert.Equal("/recipes/base", Read(Good).Recipe.Model.Path);
        Assert.Equal(["/recipes/rows.jsonl"], Read(Good).Recipe.Data.Files.Select(file => file.Path));
        var moved = Read(Good, "model.path=other", "data.train=[a.jsonl, /b.jsonl]").Recipe;
        Assert.Equal("/here/other", moved.Model.Path);
        Assert.Equal(["/here/a.jsonl", "/b.jsonl"], moved.Data.Files.Select(file => file.Path));
    }

    [Fact]
    public void A_tilde_in_a_path_is_the_home_directory_and_a_pattern_stays_as_it_was_written()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        var recipe = Read(Good, "data.train=[~/x/*.jsonl.gz]", "model.path=~/base", "data.cache=~/c").Recipe;
        Assert.Equal([$"{home}/x/*.jsonl.gz"], recipe.Data.Files.Select(file => file.Path));
        Assert.Equal(($"{home}/base", $"{home}/c"), (recipe.Model.Path, recipe.Data.Cache));
        Assert.Contains("quote a pattern that begins with *", Refused("model: { path: base }\ndata: { train: [*.jsonl] }").Fix);
    }

    [Fact]
    public void A_lone_path_stands_for_a_list_of_one() =>
        Assert.Equal(["/here/a: b.jsonl"], Read(Good, "data.train=a: b.jsonl").Recipe.Data.Files.Select(file => file.Path));

    [Fact]
    public void An_unknown_key_names_its_line_and_the_nearest_key()
    {
        var error = Refused(Good + "\noptimizer:\n  beta1: 0.9\n  beta3: 0.9\n");
        Assert.Equal("recipe.yaml:5", error.Where);
        Assert.Equal("unknown key 'optimizer.beta3'", error.What);
        Assert.Contains("'optimizer.beta", error.Fix);
    }

    [Theory]
    [InlineData("lr", "optimizer.learning_rate")]
    [InlineData("optimizer.lr", "optimizer.learning_rate")]
    [InlineData("per_device_train_batch_size", "batch.slot")]
    [InlineData("gradient_accumulation_steps", "batch.global")]
    [InlineData("num_train_epochs", "epochs")]
    [InlineData("max_seq_length", "data.max_length")]
    [InlineData("cutoff_len", "data.max_length")]
    [InlineData("tokenizer.max_seq_len", "data.max_length")]
    [InlineData("warmup_ratio", "schedule.warmup")]
    [InlineData("model_name_or_path", "model.path")]
    [InlineData("pref_beta", "dpo.beta")]
    [InlineData("bf16", "precision")]
    [InlineData("optimizer.betas", "optimizer.beta2")]
    public void A_name_of_another_trainer_is_answered_with_the_key_that_means_it(string name, string key) =>
        Assert.Contains($"'{key}' (", Refused(Good, $"{name}=1").Fix);

    [Theory]
    [InlineData("output_dir", "--run DIR")]
    [InlineData("resume_from_checkpoint", "--resume")]
    [InlineData("report_to", "TensorBoard")]
    public void A_name_that_needs_no_key_says_why(string name, string why) => Assert.Contains(why, Refused(Good, $"training.{name}=1").Fix);

    [Fact]
    public void A_name_that_is_near_no_key_is_not_guessed_at() =>
        Assert.Equal("docs/recipe.md, or `tulu2 recipe keys`, has them all", Refused(Good, "frobnicate=1").Fix);

    [Fact]
    public void A_key_in_the_wrong_section_is_pointed_to_its_own() =>
        Assert.Contains("'optimizer.learning_rate'", Refused(Good + "\nlearning_rate: 1e-5\n").Fix);

    [Fact]
    public void An_unknown_objective_is_answered_with_those_that_there_are()
    {
        var error = Refused(Good + "\nobjective: ppo\n");
        Assert.StartsWith("recipe.yaml:3: objective", error.Where);
        Assert.Equal($"wants one of {string.Join(", ", ObjectiveCatalog.All.Select(objective => objective.Name))}, not 'ppo'", error.What);
    }

    [Theory]
    [InlineData("seed: twelve", "recipe.yaml:3: seed", "wants a whole number, not 'twelve'")]
    [InlineData("seed: \"12\"", "recipe.yaml:3: seed", "wants a whole number, not '12'")]
    [InlineData("seed: 1.5", "recipe.yaml:3: seed", "wants a whole number, not '1.5'")]
    [InlineData("seed:", "recipe.yaml:3: seed", "wants a whole number, not an empty value")]
    [InlineData("seed: [1]", "recipe.yaml:3: seed", "wants a whole number, not a list")]
    [InlineData("optimizer: { clip: .inf }", "recipe.yaml:3: optimizer.clip", "wants a number, not '.inf'")]
    [InlineData("batch: 128", "recipe.yaml:3", "batch wants keys and values")]
    [InlineData("schedule: { warmup: -0.1 }", "recipe.yaml:3: schedule.warmup", "-0.1 is below 0")]
    [InlineData("schedule: { warmup: 1.5 }", "recipe.yaml:3: schedule.warmup", "1.5 is neither a ratio below 1 nor a whole number of steps")]
    [InlineData("optimizer: { beta2: 1 }", "recipe.yaml:3: optimizer.beta2", "1 is not in [0, 1)")]
    [InlineData("batch: { global: 10, slot: 4 }", "recipe.yaml:3: batch.global", "10 sequences do not divide into slots of 4")]
    [InlineData("batch: { global: 8, slot: 4 }\nparallel: { data: 3 }", "recipe.yaml:4: parallel.data",
        "3 replicas share only 2 slots a step, so some would idle")]
    [InlineData("parallel: { virtual_shards: 3 }", "recipe.yaml:3: parallel.virtual_shards", "3 is not a power of two")]
    [InlineData("parallel: { tensor: 0 }", "recipe.yaml:3: parallel.tensor", "0 is below 1")]
    [InlineData("parallel: { pipeline: -1 }", "recipe.yaml:3: parallel.pipeline", "-1 is below 1")]
    [InlineData("parallel: { data: 4, zero: 3 }", "recipe.yaml:3: parallel.zero", "4 replicas do not divide into groups of 3 that share the optimizer's state")]
    [InlineData("batch: { global: 8, slot: 4 }\nparallel: { zero: 4 }", "recipe.yaml:4: parallel.zero", "4 parts need as many replicas, which share only 2 slots a step")]
    [InlineData("parallel: { device: tpu }", "recipe.yaml:3: parallel.device", "wants one of cpu, cuda, not 'tpu'")]
    [InlineData("lora: { rank: 0 }", "recipe.yaml:3: lora.rank", "0 is below 1")]
    [InlineData("lora: { alpha: 0 }", "recipe.yaml:3: lora.alpha", "0 is not above 0")]
    [InlineData("lora: { dropout: 1 }", "recipe.yaml:3: lora.dropout", "1 is not in [0, 1)")]
    [InlineData("lora: { targets: [] }", "recipe.yaml:3: lora.targets", "names no projection")]
    [InlineData("lora: { targets: [all, q_proj] }", "recipe.yaml:3: lora.targets", "all stands beside others")]
    [InlineData("lora: { targets: [q_proj, q_proj] }", "recipe.yaml:3: lora.targets", "names q_proj twice")]
    [InlineData("lora: { double_quant: false }", "recipe.yaml:3: lora.double_quant", "has no effect without lora.quantize: nf4")]
    [InlineData("dpo: { beta: 0.2 }", "recipe.yaml:3: dpo.beta", "has no effect with objective: sft")]
    [InlineData("objective: dpo\ndpo: { loss: ipo, label_smoothing: 0.1 }", "recipe.yaml:4: dpo.label_smoothing", "the ipo loss cannot use it: its target of the margin takes the order of every pair as it is")]
    [InlineData("epochs: 1\nsteps: 5", "recipe.yaml:4: steps", "both epochs and steps are given")]
    [InlineData("steps: 0", "recipe.yaml:3: steps", "0 is below 1")]
    [InlineData("steps: 5\nschedule: { warmup: 6 }", "recipe.yaml:4: schedule.warmup", "6 steps of warm-up are more than the run's 5")]
    public void A_bad_value_is_refused_where_it_stands(string line, string where, string what)
    {
        var error = Refused(Good + "\n" + line + "\n");
        Assert.StartsWith(where, error.Where);
        Assert.Equal(what, error.What);
        Assert.NotEmpty(error.Fix);
    }

    [Fact]
    public void A_bad_flag_is_named_as_it_was_typed()
    {
        Assert.Equal("optimizer.beta3=1", Refused(Good, "optimizer.beta3=1").Where);
        Assert.Equal("seed=x: seed", Refused(Good, "seed=x").Where);
        Assert.Equal("batch.global=10: batch.global", Refused(Good, "batch.global=10").Where);
        Assert.Equal("seed", Refused(Good, "seed").Where);
        Assert.Equal("seed=[1", Refused(Good, "seed=[1").Where);
    }

    [Fact]
    public void A_flag_replaces_the_files_other_key_of_a_pair_but_two_flags_do_not_agree()
    {
        var recipe = Read(Good + "\nepochs: 3\n", "steps=7", "model.preset=demo", "model.tokenizer=tok").Recipe;
        Assert.Equal((null, 7, null, "demo"), (recipe.Epochs, recipe.Steps, recipe.Model.Path, recipe.Model.Preset));
        Assert.Equal("both epochs and steps are given", Refused(Good, "steps=7", "epochs=1").What);
    }

    [Fact]
    public void A_recipe_without_model_or_data_is_refused()
    {
        Assert.Equal("no model is named", Refused("data: { train: [a] }").What);
        Assert.Equal("no training file is named", Refused("model: { path: a }").What);
        Assert.Equal("random weights bring no tokenizer", Refused("model: { preset: demo }\ndata: { train: [a] }").What);
        Assert.Equal("no model is named", Refused("").What);
    }

    [Fact]
    public void Broken_yaml_names_its_line()
    {
        Assert.StartsWith("recipe.yaml:4", Refused(Good + "\nseed: [1\n").Where);
        Assert.StartsWith("recipe.yaml:4", Refused(Good + "\nseed: 1\nseed: 2\n").Where);
        Assert.Equal("a recipe wants keys and values", Refused("- a\n").What);
        Assert.Equal("holds a second document", Refused(Good + "\n---\nseed: 1\n").What);
    }

    [Fact]
    public void A_missing_recipe_file_is_bad_input()
    {
        Assert.Equal("there is no such recipe", Assert.Throws<BadInputException>(() => RecipeReader.Load("/no/such.yaml", [])).What);
        Assert.Equal("is a directory, not a recipe file", Assert.Throws<BadInputException>(() => RecipeReader.Load(Path.GetTempPath(), [])).What);
    }

    [Fact]
    public void Dpo_without_passes_makes_the_papers_three() => Assert.Equal(3, Read(Good + "\nobjective: dpo\n").Recipe.Epochs);

    [Fact]
    public void Given_keys_are_those_that_the_file_or_a_flag_names() =>
        Assert.Equal(["data.train", "model.path", "seed"], Read(Good, "seed=1").Given.Order());
}
