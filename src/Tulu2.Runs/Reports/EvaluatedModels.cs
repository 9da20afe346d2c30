using System.Globalization;
using Tulu2.Evaluation.Paper;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Summaries;
using Tulu2.Files;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Reports;

/// <summary>
/// Finds the models that directories have results of: a result folder of <c>eval --out</c>; a run directory, whose <c>evaluations/</c> has a result folder for each
/// checkpoint; a demo's, whose stages are such; or a directory of result folders.
/// </summary>
internal static class EvaluatedModels
{
    private const string Final = "final";

    /// <param name="paths">As they were given.</param>
    /// <param name="names">Names of the models in tables, in the order in which they are found; empty: their own.</param>
    /// <returns>Empty: none of the directories has a result.</returns>
    /// <exception cref="BadInputException">A file is damaged, a directory is missing, or the names are not as many as the models.</exception>
    public static IReadOnlyList<ModelResults> Read(IReadOnlyList<string> paths, IReadOnlyList<string> names)
    {
        var found = paths.SelectMany(path => In(path).Select(model => (Path: path, Model: model))).ToList();
        if (names.Count > 0 && names.Count != found.Count)
            throw new BadInputException("--name", $"{NumberText.Count(names.Count, "name")} for {NumberText.Count(found.Count, "model")}: {string.Join(", ", found.Select(one => one.Model.Name))}",
                "give one --name for each model, in this order");
        if (names.Count > 0)
            return names.Distinct().Count() == names.Count
                ? [.. found.Zip(names, (one, name) => one.Model with { Name = name, Traits = ModelTraits.OfName(name).Or(one.Model.Traits) })]
                : throw new BadInputException("--name", "names two models alike", "give each a name of its own");
        // Several folders may be of one model, such as two settings of its evaluation.
        var twice = found.GroupBy(one => one.Model.Name).Where(group => group.Count() > 1).Select(group => group.Key).ToHashSet();
        var places = new HashSet<string>();
        foreach (var (_, model) in found)
            if (!places.Add($"{Path.TrimEndingDirectorySeparator(Path.GetFullPath(model.Directory))} {model.Name} {model.Step}"))
                throw new BadInputException(model.Directory, "is named twice", "name different directories");
        return [.. found.Select(one => twice.Contains(one.Model.Name) ? one.Model with { Name = $"{one.Model.Name} ({ShortPath(one.Model)})" } : one.Model)];
    }

    /// <summary>The models of one directory.</summary>
    private static IEnumerable<ModelResults> In(string path)
    {
        if (!Directory.Exists(path)) throw new BadInputException(path, "there is no such directory", "name the directory of a run, or a folder that `tulu2 eval --out` wrote");
        if (new ResultFolder(path).Tasks.Count > 0) return OfFolder(path);
        var runs = new[] { path }.Concat(ReportMaker.StageFolders.Select(stage => Path.Combine(path, stage))).Select(folder => new RunDirectory(folder)).ToList();
        var models = runs.Where(run => Directory.Exists(run.Evaluations)).SelectMany(OfRun).ToList();
        return models.Count > 0 || runs.Any(run => run.IsBegun || File.Exists(run.Metrics)) ? models
            : Directory.EnumerateDirectories(path).Order(StringComparer.Ordinal).SelectMany(OfFolder);
    }

    private static IEnumerable<ModelResults> OfFolder(string path)
    {
        var folder = new ResultFolder(path);
        return from task in folder.Tasks
               let result = folder.Read(task)
               group new TaskItems(result, folder.ReadItems(task)) by (result.Model, result.Step) into model
               select new ModelResults(model.Key.Model, path, [.. model]) { Step = model.Key.Step, Traits = ModelTraits.OfName(model.Key.Model) };
    }

    // The final model, or the newest checkpoint, stands for the run; folders that are of no step are models of their own.
    private static IEnumerable<ModelResults> OfRun(RunDirectory run)
    {
        var folders = Directory.EnumerateDirectories(run.Evaluations).Order(StringComparer.Ordinal).Select(path => new ResultFolder(path)).Where(folder => folder.Tasks.Count > 0)
            .Select(folder => (Folder: folder, Results: folder.Tasks.Select(folder.Read).ToList())).ToList();
        var steps = folders.Where(one => one.Results.All(result => result.Step is not null)).OrderBy(one => one.Results.Max(result => result.Step)).ToList();
        var standing = folders.Where(one => NameOf(one.Folder) == Final).Concat(steps.TakeLast(1)).FirstOrDefault();
        var (traits, from) = OfRecipe(run);
        foreach (var one in folders.Where(one => one == standing || !steps.Contains(one)))
        {
            var isRuns = one == standing;
            var own = one.Results.Select(result => result.Model).Distinct().ToList();
            yield return new ModelResults(isRuns && (own is not [var name] || name == Final || one.Results[0].Step is not null) ? run.Name : own.Count == 1 ? own[0] : $"{run.Name} {NameOf(one.Folder)}",
                isRuns ? run.Root : one.Folder.Path, [.. one.Results.Select(result => new TaskItems(result, one.Folder.ReadItems(result.Task)))])
            {
                Step = one.Results[0].Step,
                Traits = traits.Or(ModelTraits.OfName(run.Name)),
                Base = from,
                Checkpoints = isRuns ? [.. steps.GroupBy(step => step.Results[0].Step!.Value).Select(step => new CheckpointResults(step.Key, step.Last().Results))] : [],
            };
        }
    }

    /// <summary>What a run's recipe tells of its model, and the model that it began with.</summary>
    private static (ModelTraits Traits, string? Base) OfRecipe(RunDirectory run)
    {
        if (ReportMaker.RecipeOf(run)?.Recipe is not { } recipe) return (new ModelTraits(), null);
        var name = recipe.Model.Path ?? recipe.Model.Preset ?? "";
        var told = new ModelTraits
        {
            Billions = ReportNotes.Read(run).Facts.FirstOrDefault(fact => fact.Name == RunNotes.Parameters) is { } fact
                && long.TryParse(fact.Value, NumberStyles.Number, CultureInfo.InvariantCulture, out var parameters) ? ModelTraits.BillionsOf(parameters) : null,
            Preferences = recipe.Objective != Objective.Sft,
            Mixture = recipe.Objective != Objective.Sft ? null
                : recipe.Data.Train.SelectMany(source => source.Files).Select(file => ModelTraits.MixtureOf(Path.GetFileName(file))).Distinct().ToList() is [{ } only] ? only : null,
            Quantized = recipe.Lora is { Quantize: not Quantization.None },
        };
        var ofBase = ModelTraits.OfName(name) with { Preferences = null, Quantized = null };
        return (told.Or(ofBase) with { IsTulu = ofBase.IsTulu || told.Mixture is not null, Code = ofBase.Code ?? false }, recipe.Model.Path);
    }

    private static string NameOf(ResultFolder folder) => Path.GetFileName(folder.Path);

    private static string ShortPath(ModelResults model) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model.Directory))) + (model.Step is { } step ? $", step {step}" : "");
}
