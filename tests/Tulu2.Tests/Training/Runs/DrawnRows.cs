using Tulu2.Data.Slots;
using Tulu2.Tests.Data.Slots;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;

namespace Tulu2.Tests.Training.Runs;

/// <summary>Drawn rows of the kind that an objective trains on, and the batches that it makes of them.</summary>
internal static class DrawnRows
{
    /// <param name="count">Rows, or pairs.</param>
    public static ITokenSource Of(Objective objective, int count, int vocabulary, int longest, int seed = 7, int scoredBefore = 0)
    {
        var descriptor = ObjectiveCatalog.Of(objective);
        if (descriptor.TakesPairs) return DrawnPairs.OfCount(count, vocabulary, longest, seed, scoredBefore);
        var rows = new DrawnSequences(count, vocabulary, seed, longest: longest);
        return descriptor.HasMismatched ? new MismatchedTokens(rows, longest) : rows;
    }

    /// <summary>The settings with what follows from the objective; pairs share their whole beginning.</summary>
    public static BatchSettings Batches(Objective objective, BatchSettings settings, bool share = true)
    {
        var descriptor = ObjectiveCatalog.Of(objective);
        return settings with
        {
            Preferences = descriptor.ScoredPerItem == 2,
            Mismatched = descriptor.HasMismatched,
            // Everything, although pairs this short would be cut so that their bits are those of unshared ones.
            Shared = share && descriptor.TakesPairs ? DrawnPairs.All : null,
        };
    }
}
