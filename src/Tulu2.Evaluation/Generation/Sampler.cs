using System.Numerics.Tensors;

namespace Tulu2.Evaluation.Generation;

/// <summary>Chooses the next token from logits. Pure: the random number is a parameter.</summary>
public static class Sampler
{
    // A nucleus is looked for among tokens down to this share of the largest weight; where it does not reach its mass, down to this share of that, and so on.
    private const double FirstShare = 1e-3;

    /// <param name="logits">[V]; at least one finite, none NaN.</param>
    /// <param name="temperature">0: the most likely token; among equals, the lowest id.</param>
    /// <param name="topP">
    /// In (0, 1]: sample from the nucleus (Holtzman et al. 2019), the smallest set of most likely tokens with at least this total probability.
    /// </param>
    /// <param name="uniform">A random number in [0, 1).</param>
    /// <param name="topK">Above 0: sample from this many most likely tokens, among equals the lower ids; the nucleus is that of their distribution.</param>
    /// <returns>The id of the token.</returns>
    /// <exception cref="ArithmeticException">A logit is NaN, or none is finite: the weights are broken.</exception>
    public static int Choose(ReadOnlySpan<float> logits, double temperature, double topP, double uniform, int topK = 0)
    {
        var best = Likeliest(logits);
        if (temperature == 0 || topK == 1) return best;

        var weights = new double[logits.Length];
        var total = 0.0;
        for (var id = 0; id < weights.Length; id++) total += weights[id] = Math.Exp((logits[id] - (double)logits[best]) / temperature);
        if (topK <= 0 || topK >= weights.Length) return topP >= 1 ? Draw(weights, uniform * total) : DrawFromNucleus(weights, topP * total, uniform);
        var likeliest = Ordered(weights, topK);
        var mass = likeliest.Sum(id => weights[id]);
        return topP >= 1 ? Draw(weights, likeliest, uniform * mass) : DrawFromBeginning(weights, likeliest, topP * mass, uniform);
    }

    private static int Likeliest(ReadOnlySpan<float> logits)
    {
        var best = TensorPrimitives.IndexOfMax(logits);
        if (best < 0 || !float.IsFinite(logits[best]))
            throw new ArithmeticException("the logits are not finite: the weights are broken");
        return best;
    }

    private static int DrawFromNucleus(double[] weights, double mass, double uniform)
    {
        // The largest weight is 1. To order the whole vocabulary would take longer than a small model's step.
        for (var share = FirstShare; ; share *= FirstShare)
        {
            var ids = new List<int>();
            var sum = 0.0;
            for (var id = 0; id < weights.Length; id++)
                if (weights[id] >= share)
                {
                    ids.Add(id);
                    sum += weights[id];
                }
            // With a margin: in another order the sum may differ in its last bits.
            if (sum < mass * (1 + 1e-9) && share > 0) continue;
            ids.Sort(Comparison(weights));
            return DrawFromBeginning(weights, ids, mass, uniform);
        }
    }

    private static int DrawFromBeginning(double[] weights, List<int> ids, double mass, double uniform)
    {
        var sum = 0.0;
        var size = 0;
        do sum += weights[ids[size++]];
        while (size < ids.Count && sum < mass);
        return Draw(weights, ids.GetRange(0, size), uniform * sum);
    }

    // The id breaks ties, so that the order is unique.
    private static Comparison<int> Comparison(double[] weights) => (left, right) => weights[right].CompareTo(weights[left]) is var order
        && order != 0 ? order : left.CompareTo(right);

    /// <summary>The ids of the largest weights, in order.</summary>
    private static List<int> Ordered(double[] weights, int count)
    {
        var comparison = Comparison(weights);
        // The last of the ids that are held is the first to give way.
        var held = new SortedSet<int>(Comparer<int>.Create(comparison));
        for (var id = 0; id < weights.Length; id++)
            if (held.Count < count) held.Add(id);
            else if (weights[id] > weights[held.Max])
            {
                held.Remove(held.Max);
                held.Add(id);
            }
        return [.. held];
    }

    /// <summary>The first id at which the running sum of weights exceeds <paramref name="point"/>.</summary>
    private static int Draw(double[] weights, double point)
    {
        var (sum, last) = (0.0, 0);
        for (var id = 0; id < weights.Length; id++)
        {
            if (weights[id] <= 0) continue;
            last = id;
            if ((sum += weights[id]) > point) break;
        }
        return last;
    }

    private static int Draw(double[] weights, List<int> ids, double point)
    {
        var sum = 0.0;
        var last = ids[0];
        foreach (var id in ids)
        {
            if (weights[id] <= 0) continue;
            last = id;
            if ((sum += weights[id]) > point) break;
        }
        return last;
    }
}
