using System.Numerics.Tensors;

namespace Tulu2.Evaluation.Generation;

/// <summary>Chooses the next token from logits. Pure: the random number is a parameter.</summary>
public static class Sampler
{
    /// <param name="logits">[V]; at least one finite, none NaN.</param>
    /// <param name="temperature">0: the most likely token; among equals, the lowest id.</param>
    /// <param name="topP">
    /// In (0, 1]: sample from the nucleus (Holtzman et al. 2019), the smallest set of most likely tokens with at least this total probability.
    /// </param>
    /// <param name="uniform">A random number in [0, 1).</param>
    /// <returns>The id of the token.</returns>
    /// <exception cref="ArithmeticException">A logit is NaN, or none is finite: the weights are broken.</exception>
    public static int Choose(ReadOnlySpan<float> logits, double temperature, double topP, double uniform)
    {
        var best = Likeliest(logits);
        if (temperature == 0) return best;

        var weights = new double[logits.Length];
        var total = 0.0;
        for (var id = 0; id < weights.Length; id++) total += weights[id] = Math.Exp((logits[id] - (double)logits[best]) / temperature);
        return topP >= 1 ? Draw(weights, InOrder(weights.Length), uniform * total) : DrawFromNucleus(weights, topP * total, uniform);
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
        var ids = InOrder(weights.Length);
        // The id breaks ties, so that the nucleus is unique.
        Array.Sort(ids, (left, right) => weights[right].CompareTo(weights[left]) is var order && order != 0 ? order : left.CompareTo(right));
        var sum = 0.0;
        var size = 0;
        do sum += weights[ids[size++]];
        while (size < ids.Length && sum < mass);
        return Draw(weights, ids.AsSpan(0, size), uniform * sum);
    }

    /// <summary>The first id at which the running sum of weights exceeds <paramref name="point"/>.</summary>
    private static int Draw(double[] weights, ReadOnlySpan<int> ids, double point)
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

    private static int[] InOrder(int count)
    {
        var ids = new int[count];
        for (var id = 0; id < count; id++) ids[id] = id;
        return ids;
    }
}
