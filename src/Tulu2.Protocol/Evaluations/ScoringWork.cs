using System.Globalization;

namespace Tulu2.Protocol.Evaluations;

/// <summary>Items of one benchmark that one evaluator scores the model of one checkpoint on.</summary>
/// <param name="First">Index of the first item, from 0.</param>
/// <param name="Count">Number of items.</param>
public sealed record ScoringWork(int Step, string Benchmark, int First, int Count)
{
    /// <summary>The same in every session of a run, so that an outcome which comes late, to another coordinator, still counts.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Step}:{Benchmark}:{First}+{Count}");

    /// <summary>The work of a name; null: it is none.</summary>
    public static ScoringWork? Parse(string name)
    {
        if (name.Split(':') is not [var step, var benchmark, var items] || items.Split('+') is not [var first, var count]) return null;
        return Number(step) is { } at && Number(first) is { } from && Number(count) is { } length ? new ScoringWork(at, benchmark, from, length) : null;

        static int? Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}

/// <summary>What is known of a benchmark on a checkpoint from earlier sessions of the run.</summary>
/// <param name="Items">Indices of the items that are scored.</param>
/// <param name="Score">Not null: all of them are.</param>
public sealed record KnownEvaluation(int Step, string Benchmark, IReadOnlySet<int> Items, double? Score);
