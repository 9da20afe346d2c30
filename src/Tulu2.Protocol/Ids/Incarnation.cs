using System.Globalization;

namespace Tulu2.Protocol.Ids;

/// <summary>The number of one of a rank's workers, from 1, growing with each; 0 stands for none. It says whose a report or a loss is.</summary>
public readonly record struct Incarnation(long Value)
{
    public Incarnation Next() => new(Value + 1);

    // A number by itself, for comparisons and the wire; a number becomes an incarnation by name only, so that nothing else is taken for one.
    public static implicit operator long(Incarnation incarnation) => incarnation.Value;

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
