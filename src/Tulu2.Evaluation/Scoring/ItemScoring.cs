using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Scoring;

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
    private const int SamplesShown = 4;

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
        var results = items.Zip(answers, (item, given) => (Item: item, Result: benchmark.Score(item, given))).ToList();
        var scores = results.Select(scored => new ItemScore(scored.Item.Id, scored.Item.Dataset, scored.Result.Value));
        return new EvaluationOutcome(id, [.. scores], Samples(results.Select(scored => scored.Result.Sample)));
    }

    /// <summary>A few wrong samples, then a few correct ones, both in the order of the items.</summary>
    private static IReadOnlyList<EvaluationSample> Samples(IEnumerable<EvaluationSample?> all)
    {
        var samples = all.OfType<EvaluationSample>().ToList();
        var wrong = samples.Where(sample => !sample.Correct).Take(SamplesShown / 2).ToList();
        return [.. wrong, .. samples.Where(sample => sample.Correct).Take(SamplesShown - wrong.Count)];
    }
}
