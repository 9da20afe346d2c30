using Tulu2.Data.Python;

namespace Tulu2.Mixtures.Selection;

/// <summary>
/// The original's rule for CoT: a file that has no more records than asked for is taken in its own order, without a draw. Its slip: the number of the last file
/// (few-shot) also decides whether the first (zero-shot) is read at all.
/// </summary>
/// <param name="slips">Do as the original does.</param>
internal sealed class ChainOfThoughtRule(bool slips) : SampleRule
{
    protected override int[] Draw(int records, int chosen, PythonRandom random) =>
        chosen < records ? base.Draw(records, chosen, random) : [.. Enumerable.Range(0, records)];

    protected override IReadOnlyList<int> Samples(IReadOnlyList<int> samples) => slips && samples[^1] == 0 ? [.. samples.Select(_ => 0)] : samples;
}
