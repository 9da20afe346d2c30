using Tulu2.Data.Rows;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Cli.Evaluations;

/// <summary>Cuts a row file into tasks.</summary>
internal static class EvaluationWork
{
    public const string ExactMatch = "exact_match";
    public const string Preference = "preference";

    // Long enough to fill a batch of generation, short enough to spread over evaluators.
    private const int RowsPerTask = 64;

    /// <summary>What a file holds, told by its first usable row.</summary>
    /// <exception cref="BadInputException">Neither instruction rows nor preference pairs.</exception>
    public static (string Kind, int Rows) Look(string file, Action<string> say)
    {
        var messages = Count(RowReader.ReadMessages(file), out var messageFault);
        if (messages > 0) return (ExactMatch, messages);
        var pairs = Count(RowReader.ReadPreferences(file), out var pairFault);
        if (pairs == 0)
            throw new BadInputException(file, "has no usable row",
                $"give instruction rows ({messageFault?.Reason ?? "none found"}) or preference pairs ({pairFault?.Reason ?? "none found"})");
        return (Preference, pairs);

        int Count<TRow>(IEnumerable<RowResult<TRow>> rows, out RowFault? first)
            where TRow : class
        {
            var usable = 0;
            first = null;
            foreach (var row in rows)
            {
                if (row.Row is not null) usable++;
                else first ??= row.Fault;
                if (usable == 0 && first is not null) return 0;
            }
            if (usable > 0 && first is not null) say($"{first.Location}: left out: {first.Reason}");
            return usable;
        }
    }

    public static IReadOnlyList<EvaluationTask> Tasks(string kind, string model, string file, int rows) =>
        [.. Enumerable.Range(0, (rows + RowsPerTask - 1) / RowsPerTask).Select(part =>
            new EvaluationTask($"{kind} {Path.GetFileName(model)} {Path.GetFileName(file)} {part}", kind, model, file,
                part * RowsPerTask, Math.Min(RowsPerTask, rows - part * RowsPerTask)))];
}
