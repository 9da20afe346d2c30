using System.Globalization;

namespace Tulu2.Protocol.Ids;

/// <summary>The number of a step, one optimizer update, from 1. Of a state the last step that was applied to it: 0 before the first.</summary>
public readonly record struct StepNumber(int Value) : IComparable<StepNumber>
{
    public StepNumber Next() => new(Value + 1);

    // A number by itself, for comparisons and arithmetic; a number becomes a step by name only, so that nothing else is taken for one.
    public static implicit operator int(StepNumber step) => step.Value;

    public static bool operator <(StepNumber one, StepNumber other) => one.Value < other.Value;

    public static bool operator <=(StepNumber one, StepNumber other) => one.Value <= other.Value;

    public static bool operator >(StepNumber one, StepNumber other) => one.Value > other.Value;

    public static bool operator >=(StepNumber one, StepNumber other) => one.Value >= other.Value;

    public int CompareTo(StepNumber other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
