using Tulu2.Files;

namespace Tulu2.Data.Demo;

/// <summary>Draws training items or held-out items.</summary>
internal sealed class DemoSampler
{
    private const int LongestEarlierPrompt = 5;

    // A kind is exhausted after this number of draws without a new held-out item: small kinds have only a handful of items.
    private const int Patience = 2_000;

    private readonly DemoDataOptions options;
    private readonly bool heldOut;
    private readonly IReadOnlyList<DemoKind> kinds;

    public DemoSampler(DemoDataOptions options, bool heldOut)
    {
        (this.options, this.heldOut) = (options, heldOut);
        kinds = [.. DemoKinds.Of(options).Where(kind => kind.Weight > 0)];
        if (kinds.Count == 0) throw new BadInputException("demo", "every kind of row has weight 0", "give at least one kind a weight");
        if (options.HeldOutPercent is < 1 or > 90)
            throw new BadInputException("demo", $"{options.HeldOutPercent} percent cannot be held out", "give 1 to 90");
        if (options.ShortestList < 2 || options.LongestList < options.ShortestList || options.ListWords > DemoWords.Things.Length
            || options.LongestList > Math.Min(options.ListWords, options.LargestSorted + 1))
            throw new BadInputException("demo", "there are no lists of that length",
                "let lists have 2 items or more, and no more than there are words and numbers");
    }

    /// <summary>Instruction rows. Courtesies, which have no single right answer, are only for training.</summary>
    public List<(string Kind, DemoItem Item, string Answer)> Rows(int count, int part)
    {
        var random = SplitMix64.Of(options.Seed, part);
        var seen = new HashSet<string>();
        var rows = new List<(string, DemoItem, string)>(count);
        while (rows.Count < count)
        {
            if (!heldOut && random.Unit() < options.CourtesyShare)
            {
                var courtesy = Draw(DemoCourtesy.Name, DemoCourtesy.Draw, seen, ref random)!;
                rows.Add((DemoCourtesy.Name, courtesy, random.Unit() < options.FormalShare ? courtesy.Right : courtesy.Wrong));
            }
            else if (Verifiable(seen, ref random) is var (kind, item))
            {
                rows.Add((kind, item, item.Right));
            }
            else break;
            if (!heldOut && rows.Count > 1 && random.Unit() < options.ContinuedShare) rows[^1] = Continue(rows[^2], rows[^1]);
        }
        return rows;
    }

    // A few turns are enough to learn that each question stands alone.
    private static (string Kind, DemoItem Item, string Answer) Continue(
        (string Kind, DemoItem Item, string Answer) before, (string Kind, DemoItem Item, string Answer) row) =>
        before.Item.Prompt.Count > LongestEarlierPrompt ? row
            : row with { Item = row.Item with { Prompt = [.. before.Item.Answered(before.Answer), .. row.Item.Prompt] } };

    /// <summary>Preference pairs: the right answer against the wrong one.</summary>
    public List<(string Kind, DemoItem Item)> Pairs(int count, int part)
    {
        var random = SplitMix64.Of(options.Seed, part);
        var seen = new HashSet<string>();
        var pairs = new List<(string, DemoItem)>(count);
        while (pairs.Count < count)
        {
            if (random.Unit() < options.CourtesyPairShare && Draw(DemoCourtesy.Name, DemoCourtesy.Draw, seen, ref random) is { } courtesy)
                pairs.Add((DemoCourtesy.Name, courtesy));
            else if (Verifiable(seen, ref random) is var (kind, item)) pairs.Add((kind, item));
            else break;
        }
        return pairs;
    }

    private (string Kind, DemoItem Item)? Verifiable(HashSet<string> seen, ref SplitMix64 random)
    {
        var left = kinds.ToList();
        while (left.Count > 0)
        {
            var pick = Pick(left, ref random);
            if (Draw(pick.Name, pick.Draw, seen, ref random) is { } item) return (pick.Name, item);
            left.Remove(pick);
        }
        return null;
    }

    private static DemoKind Pick(List<DemoKind> kinds, ref SplitMix64 random)
    {
        var at = random.Unit() * kinds.Sum(kind => kind.Weight);
        foreach (var kind in kinds)
        {
            at -= kind.Weight;
            if (at < 0) return kind;
        }
        return kinds[^1];
    }

    // Held-out items are distinct; training rows may repeat, since the kinds are small.
    private DemoItem? Draw(string kind, DemoDraw draw, HashSet<string> seen, ref SplitMix64 random)
    {
        for (var attempt = 0; attempt < Patience; attempt++)
        {
            var item = draw(ref random);
            var key = $"{kind} {item.Key}";
            if (IsHeldOut(key) != heldOut || item.Right == item.Wrong) continue;
            if (!heldOut || seen.Add(key)) return item;
        }
        return null;
    }

    private bool IsHeldOut(string key) =>
        Convert.ToUInt32(ContentHash.OfParts($"{options.Seed}", key)[..8], 16) % 100 < options.HeldOutPercent;
}
