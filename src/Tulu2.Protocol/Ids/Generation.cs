using System.Globalization;

namespace Tulu2.Protocol.Ids;

/// <summary>
/// The how many-th line-up of a run's workers, from 1; 0 before the first. Each change of who plays which rank makes a new one, and what carries an older one
/// has no effect.
/// </summary>
public readonly record struct Generation(long Value)
{
    /// <summary>Of a worker that has joined none yet: before every other.</summary>
    public static Generation None { get; } = new(-1);

    public Generation Next() => new(Value + 1);

    // A number by itself, for comparisons and the wire; a number becomes a generation by name only, so that nothing else is taken for one.
    public static implicit operator long(Generation generation) => generation.Value;

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
