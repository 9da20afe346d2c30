using System.Globalization;

namespace Tulu2.Protocol.Ids;

/// <summary>A place in the layout of a run's ranks, from 0. Workers come and go on it; the rank stays.</summary>
public readonly record struct Rank(int Value) : IComparable<Rank>
{
    // A number by itself, for indexes and arithmetic; a number becomes a rank by name only, so that nothing else is taken for one.
    public static implicit operator int(Rank rank) => rank.Value;

    /// <summary>The ranks of a layout of <paramref name="count"/>, in order.</summary>
    public static IEnumerable<Rank> All(int count) => Enumerable.Range(0, count).Select(rank => new Rank(rank));

    public static bool operator <(Rank one, Rank other) => one.Value < other.Value;

    public static bool operator <=(Rank one, Rank other) => one.Value <= other.Value;

    public static bool operator >(Rank one, Rank other) => one.Value > other.Value;

    public static bool operator >=(Rank one, Rank other) => one.Value >= other.Value;

    public int CompareTo(Rank other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
