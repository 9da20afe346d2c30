using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Tulu2.Evaluation.Generation;

/// <summary>Log-probabilities of one distribution over the next token, from its logits.</summary>
internal readonly ref struct LogProbabilities
{
    private readonly ReadOnlySpan<float> _logits;
    private readonly float _shift;

    /// <exception cref="ArithmeticException">A logit is NaN, or none is finite: the weights are broken.</exception>
    public LogProbabilities(ReadOnlySpan<float> logits)
    {
        _logits = logits;
        var largest = TensorPrimitives.Max(logits);
        if (!float.IsFinite(largest)) throw new ArithmeticException("the logits are not finite: the weights are broken");
        _shift = (float)(largest + Math.Log(SumOfExponentials(logits, largest)));
    }

    /// <summary>Whether logits are those of a distribution: none is NaN, and one is finite.</summary>
    public static bool AreOf(ReadOnlySpan<float> logits) => float.IsFinite(TensorPrimitives.Max(logits));

    /// <summary>The log-probability (natural logarithm) of an id.</summary>
    public float this[int id] => _logits[id] - _shift;

    /// <summary>The most likely id, the lowest among equals.</summary>
    public int Likeliest => TensorPrimitives.IndexOfMax(_logits);

    /// <summary>An id's score with the <paramref name="top"/> most likely ids.</summary>
    public TokenScore Of(int id, int top)
    {
        if (top == 0) return new TokenScore(id, this[id], []);
        Span<(float Logit, int Id)> best = stackalloc (float, int)[Math.Min(top, _logits.Length)];
        var count = 0;
        for (var other = 0; other < _logits.Length; other++)
        {
            if (count == best.Length && _logits[other] <= best[^1].Logit) continue;
            var at = count < best.Length ? count++ : count - 1;
            for (; at > 0 && best[at - 1].Logit < _logits[other]; at--) best[at] = best[at - 1];
            best[at] = (_logits[other], other);
        }
        var alternatives = new TokenAlternative[count];
        for (var place = 0; place < count; place++) alternatives[place] = new(best[place].Id, this[best[place].Id]);
        return new TokenScore(id, this[id], alternatives);
    }

    // In fp64 over blocks, so that a vocabulary of any size costs no digits; in a fixed order.
    private static double SumOfExponentials(ReadOnlySpan<float> logits, float largest)
    {
        var (sum, at) = (0.0, 0);
        var shift = Vector512.Create(largest);
        for (; at + 16 <= logits.Length; at += 16) sum += Vector512.Sum(Vector512.Exp(Vector512.Create(logits.Slice(at, 16)) - shift));
        for (; at < logits.Length; at++) sum += MathF.Exp(logits[at] - largest);
        return sum;
    }
}
