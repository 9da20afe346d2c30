using System.Runtime.InteropServices;
using Tulu2.Data.Rows;
using Tulu2.Mixtures.Copies;
using Tulu2.Mixtures.Overlaps;
using Tulu2.Mixtures.Rows;

namespace Tulu2.Mixtures.Decontamination;

/// <summary>An n-gram that a row shares with a benchmark, where it first occurs in the row.</summary>
internal readonly record struct SharedNGram(int NGram, int Turn, string Role);

/// <param name="Shared">Each n-gram once, in the row's order.</param>
internal sealed record TouchedRow(RowLocation Location, string Dataset, string Id, IReadOnlyList<SharedNGram> Shared);

/// <param name="Datasets">Rows that could be read.</param>
/// <param name="Kept">What goes to the file of kept rows.</param>
internal sealed record JudgedBatch(int Rows, IReadOnlyDictionary<string, int> Datasets, IReadOnlyList<TouchedRow> Touched, IReadOnlyList<RowFault> Bad, byte[] Kept);

/// <summary>Compares rows with the benchmarks. Pure, and called by several threads.</summary>
internal sealed class RowJudge(OverlapIndex index, ComparedTurns turns, RowTurnReader reader, IKeptRows? kept)
{
    public JudgedBatch Judge(IReadOnlyList<BatchedRecord> batch)
    {
        var (scanner, words, found, seen) = (new WordScanner(), new List<int>(), new List<int>(), new HashSet<int>());
        var (datasets, touched, bad, left) = (new Dictionary<string, int>(), new List<TouchedRow>(), new List<RowFault>(), new List<ReadOnlyMemory<byte>>());
        foreach (var (record, source) in batch)
        {
            var (row, fault) = reader.Convert(record, source);
            if (row is null)
            {
                bad.Add(fault!);
                continue;
            }
            datasets[row.Dataset] = datasets.GetValueOrDefault(row.Dataset) + 1;
            if (Shared(row) is { Count: > 0 } shared) touched.Add(new TouchedRow(row.Location, row.Dataset, row.Id, shared));
            else left.Add(record.Text);
        }
        return new JudgedBatch(batch.Count, datasets, touched, bad, kept?.Pack(left) ?? []);

        List<SharedNGram>? Shared(RowTurns row)
        {
            List<SharedNGram>? shared = null;
            seen.Clear();
            foreach (var turn in row.Turns)
            {
                if (turns == ComparedTurns.User && !turn.IsPrompt || turns == ComparedTurns.Assistant && turn.IsPrompt) continue;
                words.Clear();
                found.Clear();
                var rest = turn.Text.AsSpan();
                while (scanner.TryNext(ref rest, out var word)) words.Add(index.Vocabulary.Find(word));
                index.Find(CollectionsMarshal.AsSpan(words), found);
                foreach (var ngram in found)
                    if (seen.Add(ngram)) (shared ??= []).Add(new SharedNGram(ngram, turn.Number, turn.Role));
            }
            return shared;
        }
    }
}
