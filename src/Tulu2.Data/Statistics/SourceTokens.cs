using Tulu2.Data.Store;

namespace Tulu2.Data.Statistics;

/// <summary>Rows (or pairs) and tokens of one source: a dataset or a file.</summary>
/// <param name="Tokens">Tokens after truncation.</param>
/// <param name="LossTokens">Scored tokens among them.</param>
/// <param name="Truncated">Rows (or pairs) of which a sequence is cut at the maximum length.</param>
public sealed record SourceTokens(string Name, int Rows, long Tokens, long LossTokens, int Truncated)
{
    /// <summary>Length of each sequence before truncation, in the order of the store.</summary>
    public required IReadOnlyList<int> Lengths { get; init; }

    /// <summary>The sources of a store in order of first appearance.</summary>
    /// <param name="nameOf">The source's name of a row (or pair).</param>
    internal static IReadOnlyList<SourceTokens> Of(TokenStore store, Func<int, string> nameOf)
    {
        var each = store.Sequences / Math.Max(1, store.Items);
        var tallies = new Dictionary<string, Tally>();
        for (var item = 0; item < store.Items; item++)
        {
            var name = nameOf(item);
            if (!tallies.TryGetValue(name, out var tally)) tallies.Add(name, tally = new Tally());
            tally.Add(store, item * each, each);
        }
        return [.. tallies.Select(tally => tally.Value.Result(tally.Key))];
    }

    private sealed class Tally
    {
        private readonly List<int> _lengths = [];
        private int _rows, _truncated;
        private long _tokens, _lossTokens;

        public void Add(TokenStore store, int first, int count)
        {
            _rows++;
            var isTruncated = false;
            for (var sequence = first; sequence < first + count; sequence++)
            {
                _tokens += store.Length(sequence);
                _lossTokens += store.LossTokens(sequence);
                _lengths.Add(store.UntruncatedLength(sequence));
                isTruncated |= store.UntruncatedLength(sequence) > store.Length(sequence);
            }
            if (isTruncated) _truncated++;
        }

        public SourceTokens Result(string name) => new(name, _rows, _tokens, _lossTokens, _truncated) { Lengths = _lengths };
    }
}
