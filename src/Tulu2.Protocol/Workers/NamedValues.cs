using System.Collections;
using System.Runtime.CompilerServices;

namespace Tulu2.Protocol.Workers;

/// <summary>A number under the name that it has in <c>metrics.jsonl</c>.</summary>
public readonly record struct NamedValue(string Name, double Value);

/// <summary>Named numbers in a fixed order. Two lists are equal if they have the same names and values in the same order; NaN equals NaN.</summary>
[CollectionBuilder(typeof(NamedValues), nameof(Create))]
public sealed class NamedValues : IReadOnlyList<NamedValue>, IEquatable<NamedValues>
{
    private readonly NamedValue[] _values;

    private NamedValues(NamedValue[] values) => _values = values;

    public int Count => _values.Length;

    public NamedValue this[int index] => _values[index];

    /// <exception cref="KeyNotFoundException">There is no value of that name.</exception>
    public double this[string name] => Find(name) ?? throw new KeyNotFoundException($"no value is named {name}; there are: {this}");

    public static NamedValues Create(ReadOnlySpan<NamedValue> values) => new(values.ToArray());

    /// <summary>The value of a name; null: there is none.</summary>
    public double? Find(string name)
    {
        foreach (var value in _values)
            if (value.Name == name) return value.Value;
        return null;
    }

    public bool Equals(NamedValues? other) => other is not null && _values.AsSpan().SequenceEqual(other._values);

    public override bool Equals(object? obj) => Equals(obj as NamedValues);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var value in _values) hash.Add(value);
        return hash.ToHashCode();
    }

    public IEnumerator<NamedValue> GetEnumerator() => ((IEnumerable<NamedValue>)_values).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _values.GetEnumerator();

    public override string ToString() => $"[{string.Join(", ", _values.Select(value => $"{value.Name} {value.Value}"))}]";
}
