namespace Tulu2.Evaluation.Summaries;

/// <summary>Why two models are compared.</summary>
public enum PairRelation
{
    /// <summary>The user named both.</summary>
    Named,

    /// <summary>The second was trained on preferences after the first's instruction tuning.</summary>
    Preferences,

    /// <summary>The first learnt the V1 mixture, the second V2.</summary>
    Mixture,

    /// <summary>The first was trained as adapters beside four bits, the second in full.</summary>
    Quantized,
}

/// <summary>Which models are compared, and why.</summary>
internal static class ModelPairs
{
    public static IEnumerable<(ModelStanding First, ModelStanding Second, PairRelation Relation)> Of(IReadOnlyList<ModelStanding> models)
    {
        for (var i = 0; i < models.Count; i++)
            for (var j = i + 1; j < models.Count; j++)
            {
                var (one, other) = (models[i], models[j]);
                if (Relation(one, other, models) is { } forward) yield return (one, other, forward);
                else if (Relation(other, one, models) is { } backward) yield return (other, one, backward);
                else if (models.Count <= EvaluationSummary.MostForAllPairs) yield return (one, other, PairRelation.Named);
            }
    }

    private static PairRelation? Relation(ModelStanding first, ModelStanding second, IReadOnlyList<ModelStanding> all)
    {
        var (one, other) = (first.Model.Traits, second.Model.Traits);
        if (one.Preferences == false && other.Preferences == true && FollowsFrom(first, second, all)) return PairRelation.Preferences;
        if (one.Billions != other.Billions || one.Preferences != other.Preferences || one.Code != other.Code) return null;
        if (one.Mixture == "v1" && other.Mixture == "v2" && one.Quantized == other.Quantized) return PairRelation.Mixture;
        return one.Quantized == true && other.Quantized == false && one.Mixture == other.Mixture ? PairRelation.Quantized : null;
    }

    // The model that DPO began with lies in the other's run; else both are of one size, or there is no other to confuse them with.
    private static bool FollowsFrom(ModelStanding first, ModelStanding second, IReadOnlyList<ModelStanding> all)
    {
        if (second.Model.Base is { } from && all.FirstOrDefault(model => IsWithin(from, model.Model.Directory)) is { } known) return known == first;
        var (one, other) = (first.Model.Traits, second.Model.Traits);
        if (one.Quantized != other.Quantized || one.Code != other.Code || (one.Mixture ?? other.Mixture) != (other.Mixture ?? one.Mixture)) return false;
        return one.Billions is not null && other.Billions is not null ? one.Billions == other.Billions : all.Count == 2;
    }

    private static bool IsWithin(string path, string directory) =>
        path == directory || path.StartsWith(Path.TrimEndingDirectorySeparator(directory) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
