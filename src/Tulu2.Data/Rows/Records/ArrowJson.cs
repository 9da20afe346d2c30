using System.Text.Json;
using System.Text.Unicode;
using Apache.Arrow;

namespace Tulu2.Data.Rows.Records;

/// <summary>Rows of an Arrow batch as JSON objects. Null fields are left out: a table has no other way to say that a field is absent.</summary>
internal static class ArrowJson
{
    private const string InvalidText = "the text is not valid Unicode (bytes that are not UTF-8)";

    /// <summary>Writes a row. Returns the reason where it holds bytes that are no text, or JSON that is broken; what was written is then of no use.</summary>
    /// <param name="forms">Of the batch's columns.</param>
    public static string? WriteRow(Utf8JsonWriter json, RecordBatch batch, IReadOnlyList<TextForm> forms, int row)
    {
        json.WriteStartObject();
        for (var column = 0; column < batch.ColumnCount; column++)
            if (WriteField(json, batch.Schema.GetFieldByIndex(column).Name, batch.Column(column), forms[column], row) is { } fault) return fault;
        json.WriteEndObject();
        return null;
    }

    private static string? WriteField(Utf8JsonWriter json, string name, IArrowArray array, TextForm form, int index)
    {
        if (array.IsNull(index)) return null;
        json.WritePropertyName(name);
        return Write(json, array, form, index) is { } fault ? fault == InvalidText ? fault : $"{name}: {fault}" : null;
    }

    private static string? Write(Utf8JsonWriter json, IArrowArray array, TextForm form, int index)
    {
        if (array.IsNull(index))
        {
            json.WriteNullValue();
            return null;
        }
        switch (array)
        {
            // Before the arrays of binary values of a fixed size, which they are too.
            case Decimal128Array numbers:
                json.WriteRawValue(numbers.GetString(index)!);
                return null;
            case Decimal256Array numbers:
                json.WriteRawValue(numbers.GetString(index)!);
                return null;
            case Apache.Arrow.Arrays.FixedSizeBinaryArray identifier when identifier.GetBytes(index) is { Length: 16 } bytes:
                json.WriteStringValue(new Guid(bytes, bigEndian: true));
                return null;
            case BinaryArray text:
                return WriteText(json, text.GetBytes(index), form);
            case LargeBinaryArray text:
                return WriteText(json, text.GetBytes(index), form);
            case BinaryViewArray text:
                return WriteText(json, text.GetBytes(index), form);
            case DictionaryArray dictionary:
                return Write(json, dictionary.Dictionary, form, (int)Whole(dictionary.Indices, index)!.Value);
            case MapArray { Keys: StringArray } map:
                return WriteMap(json, map, form, index);
            case ListArray list when list is not MapArray:
                return WriteList(json, list.Values, form.Part(0), list.ValueOffsets[index], list.ValueOffsets[index + 1]);
            case LargeListArray list:
                return WriteList(json, list.Values, form.Part(0), (int)list.ValueOffsets[index], (int)list.ValueOffsets[index + 1]);
            case StructArray group:
                return WriteStruct(json, group, form, index);
            case BooleanArray flags:
                json.WriteBooleanValue(flags.GetValue(index)!.Value);
                return null;
            case DoubleArray numbers:
                WriteNumber(json, numbers.GetValue(index)!.Value);
                return null;
            case FloatArray numbers:
                WriteNumber(json, numbers.GetValue(index)!.Value);
                return null;
            default:
                if (Whole(array, index) is { } whole)
                {
                    json.WriteNumberValue(whole);
                    return null;
                }
                // Times and the like are not part of any row: a source that needs this column reports an object.
                json.WriteStartObject();
                json.WriteEndObject();
                return null;
        }
    }

    private static string? WriteList(Utf8JsonWriter json, IArrowArray values, TextForm form, int from, int to)
    {
        json.WriteStartArray();
        for (var item = from; item < to; item++)
            if (Write(json, values, form, item) is { } fault) return fault;
        json.WriteEndArray();
        return null;
    }

    private static string? WriteStruct(Utf8JsonWriter json, StructArray group, TextForm form, int index)
    {
        var fields = ((Apache.Arrow.Types.StructType)group.Data.DataType).Fields;
        json.WriteStartObject();
        for (var field = 0; field < fields.Count; field++)
            if (WriteField(json, fields[field].Name, group.Fields[field], form.Part(field), index) is { } fault) return fault;
        json.WriteEndObject();
        return null;
    }

    // A map from texts is an object. DuckDB makes one of objects whose keys differ much, as turns of several forms.
    private static string? WriteMap(Utf8JsonWriter json, MapArray map, TextForm form, int index)
    {
        json.WriteStartObject();
        for (var entry = map.ValueOffsets[index]; entry < map.ValueOffsets[index + 1]; entry++)
            if (WriteField(json, ((StringArray)map.Keys).GetString(entry), map.Values, form.Part(0).Part(1), entry) is { } fault) return fault;
        json.WriteEndObject();
        return null;
    }

    private static string? WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> text, TextForm form)
    {
        if (!Utf8.IsValid(text)) return InvalidText;
        if (!form.IsJson)
        {
            json.WriteStringValue(text);
            return null;
        }
        // One whole value; the row as a whole is parsed once more, with its numbers that only Python writes.
        var (document, fault) = JsonText.Parse(text.ToArray());
        if (document is null) return fault;
        document.Dispose();
        json.WriteRawValue(text, skipInputValidation: true);
        return null;
    }

    private static void WriteNumber(Utf8JsonWriter json, double number)
    {
        // As in PythonNumbers.
        if (double.IsNaN(number)) json.WriteNullValue();
        else if (double.IsInfinity(number)) json.WriteRawValue(number > 0 ? "1e999" : "-1e999");
        else json.WriteNumberValue(number);
    }

    private static decimal? Whole(IArrowArray array, int index) => array switch
    {
        Int8Array numbers => numbers.GetValue(index),
        Int16Array numbers => numbers.GetValue(index),
        Int32Array numbers => numbers.GetValue(index),
        Int64Array numbers => numbers.GetValue(index),
        UInt8Array numbers => numbers.GetValue(index),
        UInt16Array numbers => numbers.GetValue(index),
        UInt32Array numbers => numbers.GetValue(index),
        UInt64Array numbers => numbers.GetValue(index),
        _ => null,
    };
}
