namespace Tulu2.Training.Objectives;

/// <summary>
/// A sum of doubles that carries its rounding error beside it (Neumaier), so that a mean of equal values is that value to the last bit: the loss
/// of an untrained DPO policy is ln 2 for any number of pairs, not ln 2 give or take an ulp.
/// </summary>
internal struct CompensatedSum
{
    private double _high;
    private double _low;

    public readonly double Value => _high + _low;

    public void Add(double value)
    {
        var sum = _high + value;
        _low += Math.Abs(_high) >= Math.Abs(value) ? _high - sum + value : value - sum + _high;
        _high = sum;
    }

    /// <summary>The sum over <paramref name="divisor"/>, with the remainder of the division added back.</summary>
    public readonly double DividedBy(double divisor)
    {
        var quotient = Value / divisor;
        if (!double.IsFinite(quotient)) return quotient;
        var remainder = Math.FusedMultiplyAdd(-quotient, divisor, _high) + _low;
        return quotient + remainder / divisor;
    }
}
