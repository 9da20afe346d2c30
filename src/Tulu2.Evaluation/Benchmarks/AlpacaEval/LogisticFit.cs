namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <param name="Features">[features].</param>
/// <param name="Target">Probability of the positive class.</param>
internal readonly record struct LogisticExample(double[] Features, double Target);

/// <summary>
/// Logistic regression of a few features without intercept, with an L1 penalty: minimises |w| + strength * sum of log losses, as LIBLINEAR does. Pure.
/// </summary>
internal static class LogisticFit
{
    private const int MostSteps = 200, MostSweeps = 1000;
    private const double Tolerance = 1e-10;

    /// <returns>[features] the weights: the only minimum, since the penalised loss is strictly convex where features are independent.</returns>
    public static double[] Fit(IReadOnlyList<LogisticExample> examples, double strength)
    {
        var count = examples[0].Features.Length;
        var weights = new double[count];
        for (var step = 0; step < MostSteps; step++)
        {
            var (gradient, hessian) = Derivatives(examples, weights, strength);
            var direction = Direction(weights, gradient, hessian);
            // What the first order promises of this step; proximal Newton ends where it is nothing.
            var promised = Enumerable.Range(0, count).Sum(j => gradient[j] * direction[j] + Math.Abs(weights[j] + direction[j]) - Math.Abs(weights[j]));
            if (promised > -Tolerance) break;
            var before = Objective(examples, weights, strength);
            var share = 1.0;
            while (share > 1e-12 && Objective(examples, Moved(share), strength) > before + 0.01 * share * promised) share /= 2;
            weights = Moved(share);

            double[] Moved(double by) => [.. weights.Select((weight, j) => weight + by * direction[j])];
        }
        return weights;
    }

    public static double Probability(double[] weights, double[] features) => 1 / (1 + Math.Exp(-Product(weights, features)));

    /// <summary>The log loss of an example.</summary>
    public static double Loss(double[] weights, LogisticExample example)
    {
        var product = Product(weights, example.Features);
        return example.Target * SoftPlus(-product) + (1 - example.Target) * SoftPlus(product);
    }

    /// <summary>Of strength * sum of log losses.</summary>
    /// <returns>[features] and [features, features].</returns>
    internal static (double[] Gradient, double[,] Hessian) Derivatives(IReadOnlyList<LogisticExample> examples, double[] weights, double strength)
    {
        var count = weights.Length;
        var (gradient, hessian) = (new double[count], new double[count, count]);
        foreach (var example in examples)
        {
            var probability = Probability(weights, example.Features);
            for (var j = 0; j < count; j++)
            {
                gradient[j] += strength * (probability - example.Target) * example.Features[j];
                for (var k = 0; k < count; k++) hessian[j, k] += strength * probability * (1 - probability) * example.Features[j] * example.Features[k];
            }
        }
        return (gradient, hessian);
    }

    private static double Objective(IReadOnlyList<LogisticExample> examples, double[] weights, double strength) =>
        weights.Sum(Math.Abs) + strength * examples.Sum(example => Loss(weights, example));

    // Minimises the quadratic model with the penalty by coordinate descent.
    private static double[] Direction(double[] weights, double[] gradient, double[,] hessian)
    {
        var direction = new double[weights.Length];
        for (var sweep = 0; sweep < MostSweeps; sweep++)
        {
            var change = 0.0;
            for (var j = 0; j < direction.Length; j++)
            {
                var curvature = hessian[j, j] + 1e-12;
                var slope = gradient[j];
                for (var k = 0; k < direction.Length; k++) slope += hessian[j, k] * direction[k];
                var target = weights[j] + direction[j] - slope / curvature;
                var moved = Math.Sign(target) * Math.Max(0, Math.Abs(target) - 1 / curvature) - weights[j];
                change = Math.Max(change, Math.Abs(moved - direction[j]));
                direction[j] = moved;
            }
            if (change < 1e-12) break;
        }
        return direction;
    }

    private static double Product(double[] weights, double[] features)
    {
        var sum = 0.0;
        for (var j = 0; j < weights.Length; j++) sum += weights[j] * features[j];
        return sum;
    }

    private static double SoftPlus(double value) => value > 0 ? value + Math.Log(1 + Math.Exp(-value)) : Math.Log(1 + Math.Exp(value));
}
