using System.Buffers;
using System.Text.Json;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;

namespace Tulu2.Data.Rows.Reading;

/// <summary>Gives a record's keys the names that the forms of rows have for them.</summary>
internal sealed class ColumnMap
{
    private readonly IReadOnlyDictionary<string, string> _columns;
    private readonly Dictionary<string, string> _keys;

    /// <exception cref="BadInputException">No form has one of the keys, or two keys are read from one column.</exception>
    public ColumnMap(IReadOnlyDictionary<string, string> columns)
    {
        _columns = columns;
        foreach (var key in columns.Keys.Where(key => !RowSources.Columns.Names.Contains(key)))
            throw new BadInputException($"data.columns.{key}", $"no form of rows has the key '{key}'",
                NearestName.Of(key, RowSources.Columns.Names) is { } near ? $"did you mean '{near}'?" : "docs/data.md lists the forms and their keys");
        foreach (var twice in columns.GroupBy(column => column.Value).Where(column => column.Count() > 1))
            throw new BadInputException("data.columns", $"both {string.Join(" and ", twice.Select(column => column.Key))} are read from '{twice.Key}'", "name a column once");
        _keys = columns.ToDictionary(column => column.Value, column => column.Key);
    }

    /// <summary>Columns to read of a table.</summary>
    public RecordColumns Wanted => _columns.Count == 0 ? RowSources.Columns : RowSources.Columns with { Names = [.. RowSources.Columns.Names, .. _columns.Values] };

    /// <summary>The record with the forms' keys. A key of the record that is not the one named for it is left out.</summary>
    public JsonElement Apply(JsonElement record)
    {
        if (_columns.Count == 0 || record.ValueKind != JsonValueKind.Object) return record;
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var property in record.EnumerateObject())
            {
                var key = _keys.GetValueOrDefault(property.Name);
                if (key is null && _columns.ContainsKey(property.Name)) continue;
                writer.WritePropertyName(key ?? property.Name);
                property.Value.WriteTo(writer);
            }
            writer.WriteEndObject();
        }
        return JsonElement.Parse(buffer.WrittenSpan);
    }

    /// <summary>The reason where a record lacks a column that is named for it; null: it has all.</summary>
    public string? Missing(JsonElement record) => _columns.FirstOrDefault(column => !JsonFields.TryGet(record, column.Value, out _)) is { Key: { } key, Value: { } name }
        ? $"no {name}, which data.columns names for {key}: the row has {JsonFields.Names(record)}" : null;
}
