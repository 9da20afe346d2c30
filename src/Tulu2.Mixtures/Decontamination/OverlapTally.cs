using System.Collections;
using Tulu2.Mixtures.BenchmarkTexts;
using Tulu2.Mixtures.Output;
using Tulu2.Mixtures.Overlaps;

namespace Tulu2.Mixtures.Decontamination;

/// <summary>Counts what rows share with benchmarks and lists it. By one thread, in the rows' order.</summary>
/// <param name="report">Gets one JSON object a line for each row and benchmark; null: nobody asks.</param>
internal sealed class OverlapTally(BenchmarkIndex index, Stream? report)
{
    private readonly BitArray[] _items = [.. index.Benchmarks.Select(benchmark => new BitArray(benchmark.Items.Count))];
    private readonly long[] _rows = new long[index.Benchmarks.Count], _ngrams = new long[index.Benchmarks.Count];
    // Of each n-gram that was met, the first text of each benchmark that has it.
    private readonly Dictionary<int, TextOwner[]> _owners = [];

    public IReadOnlyList<BenchmarkOverlap> Overlaps =>
    [
        .. index.Benchmarks.Select((benchmark, at) => new BenchmarkOverlap(
            benchmark.Name, benchmark.Items.Count, benchmark.TooShort, _items[at].Cast<bool>().Count(touched => touched), _rows[at], benchmark.NGrams, _ngrams[at])),
    ];

    public void Add(TouchedRow row)
    {
        var first = new (SharedNGram Shared, TextOwner Owner)?[index.Benchmarks.Count];
        var counts = new int[index.Benchmarks.Count];
        foreach (var shared in row.Shared)
            foreach (var owner in OwnersOf(shared.NGram))
            {
                first[owner.Benchmark] ??= (shared, owner);
                counts[owner.Benchmark]++;
            }
        for (var benchmark = 0; benchmark < counts.Length; benchmark++)
        {
            if (first[benchmark] is not var (shared, owner)) continue;
            _rows[benchmark]++;
            Write(row, benchmark, shared, owner, counts[benchmark]);
        }
    }

    private TextOwner[] OwnersOf(int ngram)
    {
        if (_owners.TryGetValue(ngram, out var known)) return known;
        var firsts = new List<TextOwner>();
        foreach (var owner in index.Overlaps.OwnersOf(ngram))
        {
            _items[owner.Benchmark][owner.Item] = true;
            if (firsts.Count > 0 && firsts[^1].Benchmark == owner.Benchmark) continue;
            firsts.Add(owner);
            _ngrams[owner.Benchmark]++;
        }
        return _owners[ngram] = [.. firsts];
    }

    private void Write(TouchedRow row, int benchmark, SharedNGram shared, TextOwner owner, int count)
    {
        if (report is null) return;
        ListLine.Write(report, new
        {
            row.Location.File,
            row.Location.Line,
            row.Dataset,
            row.Id,
            shared.Turn,
            shared.Role,
            Benchmark = index.Benchmarks[benchmark].Name,
            Item = index.Benchmarks[benchmark].Items[owner.Item],
            Part = ((ItemPart)owner.Part).ToString().ToLowerInvariant(),
            Ngram = index.Overlaps.TextOf(shared.NGram),
            Ngrams = count,
        });
    }
}
