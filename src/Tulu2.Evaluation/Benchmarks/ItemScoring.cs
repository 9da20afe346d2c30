using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>One question about an item.</summary>
/// <param name="Number">Index among the questions about this item, from 0.</param>
internal sealed record ItemRequest(BenchmarkItem Item, ModelRequest Request, int Number);

/// <summary>Answers a benchmark's questions: a model with a judge, or stored answers.</summary>
internal interface IAnswerSource
{
    /// <returns>[asked] the answers.</returns>
    IReadOnlyList<ModelAnswer> Answer(IReadOnlyList<ItemRequest> asked, CancellationToken cancellation);
}

/// <summary>
/// Asks a benchmark's questions in rounds, the first question of every item, then the second of every item that has one, ..., and scores the answers.
/// </summary>
internal static class ItemScoring
{
    /// <param name="id">Id of the task.</param>
    public static EvaluationOutcome Score(
        string id, IBenchmark benchmark, IReadOnlyList<BenchmarkItem> items, IAnswerSource source, CancellationToken cancellation)
    {
        var answers = items.Select(_ => new List<ModelAnswer>()).ToList();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var asked = items.Select((item, index) => (Index: index, Request: benchmark.Next(item, answers[index]))).Where(next => next.Request is not null)
                .Select(next => (next.Index, Request: new ItemRequest(items[next.Index], next.Request!, answers[next.Index].Count))).ToList();
            if (asked.Count == 0) break;
            var given = source.Answer([.. asked.Select(next => next.Request)], cancellation);
            for (var i = 0; i < asked.Count; i++) answers[asked[i].Index].Add(given[i]);
        }
        return new EvaluationOutcome(id, [.. items.Zip(answers, (item, given) => Scored(item, benchmark.Score(item, given)))]);
    }

    private static ItemScore Scored(BenchmarkItem item, ItemResult result) =>
        new(item.Id, item.Dataset, result.Value) { Metrics = result.Metrics, Sample = result.Sample };
}
