using Tulu2.Data.Python;
using Tulu2.Files;

namespace Tulu2.Mixtures.Selection;

/// <summary>
/// The original's resampling of FLAN: of each sub-mix a share of the total, in the order of its file. Draws from a stream of its own, since the original
/// does it in a script of its own (docs/reference/tulu2.md, FLAN's shares).
/// </summary>
/// <param name="total">Records of all sub-mixes together.</param>
/// <param name="shares">Sub-mix to its share, in the order drawn; one that has no share is not read.</param>
/// <param name="seed">Of the rule's own stream.</param>
internal sealed class SharesRule(int total, IReadOnlyList<KeyValuePair<string, double>> shares, int seed) : ISelectionRule
{
    public SourceSelection Select(IReadOnlyList<EntryCount> entries, Amount amount, PythonRandom random)
    {
        if (amount != Amount.Everything) throw new SelectionFault("options", "shares decide how much is taken", "remove the source's sample or weight");
        var (own, part) = (new PythonRandom(seed), new List<int>());
        var names = entries.Select(entry => SubMix(entry.Name)).ToList();
        var starts = Starts(entries);
        foreach (var (name, share) in shares)
        {
            var chosen = (int)(share * total);
            if (chosen == 0) continue;
            var at = names.IndexOf(name);
            if (at < 0) throw new SelectionFault("files", $"has no sub-mix {name}, which has a share of {share}", $"add a file named {name}.jsonl");
            if (chosen > entries[at].Records)
                throw new SelectionFault("options",
                    $"the share of {name} is {NumberText.Count(chosen, "record")}, but there are {NumberText.Count(entries[at].Records)}",
                    "lower the total or the share");
            part.AddRange(own.Sample(entries[at].Records, chosen).Order().Select(number => starts[at] + number));
        }
        return new SourceSelection(entries.Sum(entry => entry.Records), 0, [.. part]);
    }

    private static int[] Starts(IReadOnlyList<EntryCount> entries)
    {
        var starts = new int[entries.Count];
        for (var at = 1; at < starts.Length; at++) starts[at] = starts[at - 1] + entries[at - 1].Records;
        return starts;
    }

    // flan_fsopt/flan_fsopt.jsonl.gz is the sub-mix flan_fsopt.
    private static string SubMix(string path) => Path.GetFileName(path).Split('.')[0];
}
