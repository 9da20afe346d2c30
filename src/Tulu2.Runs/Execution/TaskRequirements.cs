using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Execution;
using Tulu2.Evaluation.Scoring;
using Tulu2.Files;

namespace Tulu2.Runs.Execution;

/// <summary>What a benchmark needs on this machine before a model is scored on it: its data, its judges, and isolation for programs.</summary>
internal static class TaskRequirements
{
    /// <summary>All benchmarks that a model can be scored on here; of the others it is said what is lacking.</summary>
    /// <param name="root">Root of the task data.</param>
    public static IReadOnlyList<IBenchmark> Met(string root, EvaluatorSettings settings, Action<string> say)
    {
        var met = new List<IBenchmark>();
        foreach (var benchmark in BenchmarkCatalogue.WithTaskData)
        {
            if (Lacking(benchmark, root, settings) is { } lacking) say($"{benchmark.Name} is left out: {lacking.What}");
            else met.Add(benchmark);
        }
        return met;
    }

    /// <summary>What is lacking and how to mend it; null: nothing.</summary>
    /// <param name="root">Root of the task data.</param>
    public static BadInputException? Lacking(IBenchmark benchmark, string root, EvaluatorSettings settings)
    {
        if (benchmark.Folder is not { } folder)
            return new BadInputException(benchmark.Name, "is scored on a file of rows", "use `tulu2 eval rows --data FILE`");
        if (!Directory.Exists(Path.Combine(root, folder)))
            return new BadInputException(Path.Combine(root, folder), "does not exist", $"put the data of {benchmark.Name} there");
        if (benchmark.RunsPrograms && IsolationFault(settings) is { } fault) return fault;
        return benchmark.Judges.FirstOrDefault(role => !settings.Judges.ContainsKey(role)) is { } role
            ? new BadInputException($"--judge {role}=", $"is not given, but {benchmark.Name} needs that judge", "say who judges; `tulu2 eval list` shows the roles")
            : null;
    }

    private static BadInputException? IsolationFault(EvaluatorSettings settings)
    {
        try
        {
            using var runner = new CodeRunner(settings.AllowUnsafeExecution);
            runner.Prepare();
            return null;
        }
        catch (BadInputException fault)
        {
            return fault;
        }
    }
}
