using Tulu2.Files;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes.Reading;
using Xunit;

namespace Tulu2.Tests.Runs;

/// <summary>Which rows a run validates on and which it trains on, and under which keys what is known of them is kept.</summary>
public sealed class ValidationSetTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    private PreparedRun Prepare(string validation, string objective = "sft", string data = "", params string[] set) => RunPreparation.Prepare(
        new FetchedRecipe(RecipeReader.Load(_small.Recipe(objective, data: data, rest: $"validation: {validation}"), set), HubNames.None), _ => { }, _ => { });

    [Fact]
    public void Other_pairs_of_the_same_files_have_other_reference_log_probabilities()
    {
        File.WriteAllLines(_small.In("other.jsonl"), File.ReadLines(_small.In("pairs.jsonl")).Reverse());
        static string Sources(int first, int second) =>
            $"{{ data: [{{ files: [pairs.jsonl], limit: {first} }}, {{ files: [other.jsonl], limit: {second} }}] }}";
        using PreparedRun one = Prepare(Sources(10, 20), "dpo"), other = Prepare(Sources(20, 10), "dpo"), same = Prepare(Sources(10, 20), "dpo");
        Assert.Equal((30, 30), (one.Validation!.Items, other.Validation!.Items));
        Assert.NotEqual(one.Validation.Reference!.File, other.Validation.Reference!.File);
        Assert.NotEqual(one.RecipeHash, other.RecipeHash);
        Assert.Equal(one.Validation.Reference.File, same.Validation!.Reference!.File);
        Assert.Equal(one.RecipeHash, same.RecipeHash);
        // They train on the same pairs.
        Assert.Equal(one.Reference!.File, other.Reference!.File);
    }

    [Fact]
    public void Pairs_that_a_share_leaves_have_reference_log_probabilities_of_their_own()
    {
        using PreparedRun whole = Prepare("{ share: 0 }", "dpo"), fifth = Prepare("{ share: 0.2 }", "dpo"), third = Prepare("{ share: 0.33 }", "dpo");
        string[] keys = [.. new[] { whole.Reference, fifth.Reference, third.Reference, fifth.Validation!.Reference, third.Validation!.Reference }.Select(plan => plan!.File.Key)];
        Assert.Distinct(keys);
        Assert.Distinct(new[] { whole.RecipeHash, fifth.RecipeHash, third.RecipeHash });
    }

    [Fact]
    public void A_share_takes_of_the_rows_within_the_limits_of_their_sources()
    {
        File.WriteAllLines(_small.In("other.jsonl"), Enumerable.Range(0, 30).Select(row => SmallTraining.Row($"Say {row}.", $"{row}!")));
        using var run = Prepare("{ share: 0.4 }", data: "{ files: rows.jsonl, limit: 20 }, { files: other.jsonl, limit: 10 }");
        Assert.Equal(30, run.Validation!.Items + run.Data.Tokens.Sequences);
        Assert.InRange(run.Validation.Items, 1, 29);
        Assert.All(Enumerable.Range(0, run.Data.Tokens.Sequences).Select(run.Data.Location),
            place => Assert.InRange(place.Line, 1, place.File.EndsWith("rows.jsonl", StringComparison.Ordinal) ? 20 : 10));
        Assert.Equal(run.Data.Tokens.Sequences, run.Batches.ItemsPerEpoch);
    }

    [Fact]
    public void Rows_that_are_left_out_of_the_validation_files_are_listed_too()
    {
        foreach (var name in new[] { "bad.jsonl", "worse.jsonl" }) File.WriteAllLines(_small.In(name), [.. File.ReadLines(_small.In("rows.jsonl")), "{\"messages\": 5}"]);
        using var run = Prepare("{ data: [worse.jsonl, bad.jsonl] }", data: "bad.jsonl", set: "data.bad_rows=skip");
        Assert.Equal(["bad.jsonl:41", "worse.jsonl:41"], run.LeftOut().Select(line => Path.GetFileName(line.Split(": ")[0])));
    }

    [Fact]
    public void A_resume_with_other_validation_files_is_refused_by_their_names()
    {
        File.Copy(_small.In("rows.jsonl"), _small.In("held-a.jsonl"));
        const string pattern = "{ data: [held-*.jsonl] }";
        using var before = Prepare(pattern);
        File.Copy(_small.In("rows.jsonl"), _small.In("held-b.jsonl"));
        using var now = Prepare(pattern);
        var refusal = Assert.Throws<BadInputException>(() => before.Remembered.CheckSame(new RunDirectory(_small.In("run")), now.Named, now.RecipeHash, null));
        Assert.Contains("validation.data now matches other files, with held-b.jsonl", refusal.What, StringComparison.Ordinal);
    }
}
