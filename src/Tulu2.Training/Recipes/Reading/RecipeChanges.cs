using Tulu2.Files;

namespace Tulu2.Training.Recipes.Reading;

/// <summary>
/// What becomes of a recipe that is changed in the middle of its run. Pure. A run with the same changes after the same steps is the same run, however often it was
/// interrupted: the changes stay with it, in order.
/// </summary>
public static class RecipeChanges
{
    /// <summary>Reads <c>key=value</c> flags as a change of the recipe that a run has now.</summary>
    /// <param name="now">The run's effective recipe.</param>
    /// <param name="after">Steps that are made.</param>
    /// <returns>Null: every key has the value already.</returns>
    /// <exception cref="BadInputException">A key that may not be changed, or a value that makes no sense; names the flag.</exception>
    public static RecipeChange? Read(IReadOnlyList<string> flags, Recipe now, int after)
    {
        var places = new Dictionary<string, string>();
        var argument = "";
        var binder = new RecipeBinder(Directory.GetCurrentDirectory(), _ => $"--change {argument}", (key, _) => places[key] = $"--change {argument}");
        foreach (var next in flags)
        {
            argument = next;
            RecipeReader.BindFlag(binder, "--change ", argument);
        }
        foreach (var key in binder.Values.Keys.Where(key => !key.IsChangeable)) throw Refusal(key, places[key.Name]);
        if (binder.Gives("steps") && binder.Gives("epochs")) throw new BadInputException(places["epochs"], "both epochs and steps are given", "keep one of them");
        var values = binder.Values.ToDictionary();
        if (binder.Gives("steps")) values[RecipeKey.Find("epochs")!] = null;
        if (binder.Gives("epochs")) values[RecipeKey.Find("steps")!] = null;
        var changes = values.Select(value => new KeyChange(value.Key.Name, Text(value.Key, now), RecipeValue.Write(value.Value)))
            .Where(change => change.From != change.To).ToList();
        if (changes.Count == 0) return null;
        var change = new RecipeChange(after, changes);
        var changed = With(now, change.Keys.Select(key => (key.Key, key.To)));
        if (changed is { Steps: null, Epochs: null }) throw new BadInputException(places.Values.First(), "the run would have no end", "give steps or epochs a value");
        RecipeRules.Check(changed, (key, what, fix) => new BadInputException($"{places.GetValueOrDefault(key, $"--change {string.Join(' ', flags)}")}: {key}", what, fix));
        return change;
    }

    /// <summary>Puts a run's changes into the recipe that a resume is given: it may still say what it said at the run's begin, or say the changed value itself.</summary>
    /// <param name="flagged">The last of the changes comes with this resume, and so overrules what the recipe says where bits do not depend on it.</param>
    /// <exception cref="BadInputException">The recipe has a value that the run never had.</exception>
    public static LoadedRecipe Apply(LoadedRecipe given, IReadOnlyList<RecipeChange> changes, bool flagged = false)
    {
        var values = new List<(string, string)>();
        foreach (var history in changes.SelectMany(change => change.Keys).GroupBy(change => change.Key))
        {
            var key = RecipeKey.Find(history.Key)!;
            var (has, now) = (Text(key, given.Recipe), history.Last().To);
            if (history.Any(change => change.From == has || change.To == has) || (flagged && changes[^1].Keys.Any(change => change.Key == key.Name)))
                values.Add((key.Name, now));
            else if (key.IsInHash)
                throw given.Fault(key.Name, $"is {has} here, and {now} in the run", $"leave it as it was, or add --change {key.Name}={has}");
        }
        return given.With(With(given.Recipe, values));
    }

    /// <summary>The recipe before the first change, after the first, and so on; the last one is <paramref name="now"/>.</summary>
    public static IReadOnlyList<Recipe> Stages(Recipe now, IReadOnlyList<RecipeChange> changes)
    {
        var stages = new List<Recipe> { now };
        foreach (var change in changes.Reverse()) stages.Insert(0, With(stages[0], change.Keys.Select(key => (key.Key, key.From))));
        return stages;
    }

    /// <summary>The run's hash at its begin, after the first change, and so on. A change that decides no bit leaves it as it is.</summary>
    public static IReadOnlyList<string> Hashes(string begun, IReadOnlyList<RecipeChange> changes)
    {
        var hashes = new List<string> { begun };
        foreach (var change in changes)
        {
            var deciding = change.Keys.Where(key => RecipeKey.Find(key.Key)!.IsInHash).Select(key => $"{key}").ToList();
            hashes.Add(deciding.Count > 0 ? ContentHash.OfParts([hashes[^1], $"after step {change.After}", .. deciding]) : hashes[^1]);
        }
        return hashes;
    }

    /// <summary>The recipe after the change.</summary>
    public static Recipe After(Recipe recipe, RecipeChange change) => With(recipe, change.Keys.Select(key => (key.Key, key.To)));

    /// <summary>What <c>--change</c> would have to say for one recipe to become the other; null: keys differ that may not be changed.</summary>
    public static IReadOnlyList<string>? Flags(Recipe from, Recipe to)
    {
        var keys = RecipeKey.All.Where(key => key.IsInHash && Text(key, from) != Text(key, to)).ToList();
        return keys.Count == 0 || keys.Any(key => !key.IsChangeable) ? null
            : [.. keys.Where(key => key.Read(to) is not null).Select(key => $"--change {key.Name}={Text(key, to)}")];
    }

    private static string Text(RecipeKey key, Recipe recipe) => RecipeValue.Write(key.Read(recipe));

    // Only sections with changeable keys are written into.
    private static Recipe With(Recipe recipe, IEnumerable<(string Key, string Text)> values)
    {
        var copy = recipe with
        {
            Optimizer = recipe.Optimizer with { },
            Schedule = recipe.Schedule with { },
            Checkpoint = recipe.Checkpoint with { },
            Verify = recipe.Verify with { },
            LossSpike = recipe.LossSpike with { },
            Validation = recipe.Validation with { },
            Parallel = recipe.Parallel with { },
        };
        foreach (var (name, text) in values)
        {
            var key = RecipeKey.Find(name)!;
            var (value, fault) = RecipeValue.Read(key, RecipeValue.ParseFlag(key, text));
            if (fault is not null) throw new BadInputException($"{name}={text}", fault, "restore the file that holds the run's changes from a copy");
            key.Write(copy, value);
        }
        return copy;
    }

    private static BadInputException Refusal(RecipeKey key, string place)
    {
        if (!key.IsInHash)
            return new BadInputException($"{place}: {key.Name}", "is no part of what the run is, and so is not changed in it", $"give it to this resume as {key.Name}=VALUE, without --change");
        var why = key.Section switch
        {
            "optimizer" => "the moments of the steps that are made were gathered with the value it has",
            "data" or "batch" => "it decides which rows a step has, and steps are made already",
            _ => key.Name == "seed" ? "it decides which rows a step has, and steps are made already" : "it decides what a step computes, and steps are made already",
        };
        return new BadInputException($"{place}: {key.Name}", $"cannot be changed in the middle of a run: {why}",
            $"begin a new run in another --run directory; what may be changed is {string.Join(", ", RecipeKey.All.Where(other => other.IsChangeable).Select(other => other.Name))}");
    }
}
