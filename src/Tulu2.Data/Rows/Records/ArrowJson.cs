using System.Text.Json;
using System.Text.Unicode;
using Apache.Arrow;

namespace Tulu2.Data.Rows.Records;

/// <summary>Rows of an Arrow batch as JSON objects. Null fields are left out: a table has no other way to say that a field is absent.</summary>
internal static class ArrowJson
{
    /// <returns>False, with the reason, if a string is not valid UTF-8.</returns>
    public static bool TryWriteRow(Utf8JsonWriter json, RecordBatch batch, int row, out string? fault)
    {
        fault = null;
        json.WriteStartObject();
        for (var column = 0; column < batch.ColumnCount; column++)
            if (!TryWriteField(json, batch.Schema.GetFieldByIndex(column).Name, batch.Column(column), row))
            {
                fault = "the text is not valid Unicode (bytes that are not UTF-8)";
                return false;
            }
        json.WriteEndObject();
        return true;
    }

    private static bool TryWriteField(Utf8JsonWriter json, string name, IArrowArray array, int index)
    {
        if (array.IsNull(index)) return true;
        json.WritePropertyName(name);
        return TryWrite(json, array, index);
    }

    private static bool TryWrite(Utf8JsonWriter json, IArrowArray array, int index)
    {
        if (array.IsNull(index))
        {
            json.WriteNullValue();
            return true;
        }
        switch (array)
        {
            case Apache.Arrow.Arrays.FixedSizeBinaryArray identifier when identifier.GetBytes(index) is { Length: 16 } bytes:
                json.WriteStringValue(new Guid(bytes, bigEndian: true));
                return true;
            case BinaryArray text:
                return WriteText(json, text.GetBytes(index));
            case LargeBinaryArray text:
                return WriteText(json, text.GetBytes(index));
            case BinaryViewArray text:
                return WriteText(json, text.GetBytes(index));
            case DictionaryArray dictionary:
                return TryWrite(json, dictionary.Dictionary, (int)Whole(dictionary.Indices, index)!.Value);
            case ListArray list when list is not MapArray:
                return TryWriteList(json, list.Values, list.ValueOffsets[index], list.ValueOffsets[index + 1]);
            case LargeListArray list:
                return TryWriteList(json, list.Values, (int)list.ValueOffsets[index], (int)list.ValueOffsets[index + 1]);
            case StructArray group:
                return TryWriteStruct(json, group, index);
            case BooleanArray flags:
                json.WriteBooleanValue(flags.GetValue(index)!.Value);
                return true;
            case DoubleArray numbers:
                WriteNumber(json, numbers.GetValue(index)!.Value);
                return true;
            case FloatArray numbers:
                WriteNumber(json, numbers.GetValue(index)!.Value);
                return true;
            default:
                if (Whole(array, index) is { } whole)
                {
                    json.WriteNumberValue(whole);
                    return true;
                }
                // Maps, times and the like are not part of any row: a source that needs this column reports an object.
                json.WriteStartObject();
                json.WriteEndObject();
                return true;
        }
    }

    private static bool TryWriteList(Utf8JsonWriter json, IArrowArray values, int from, int to)
    {
        json.WriteStartArray();
        for (var item = from; item < to; item++)
            if (!TryWrite(json, values, item)) return false;
        json.WriteEndArray();
        return true;
    }

    private static bool TryWriteStruct(Utf8JsonWriter json, StructArray group, int index)
    {
        var fields = ((Apache.Arrow.Types.StructType)group.Data.DataType).Fields;
        json.WriteStartObject();
        for (var field = 0; field < fields.Count; field++)
            if (!TryWriteField(json, fields[field].Name, group.Fields[field], index)) return false;
        json.WriteEndObject();
        return true;
    }

    private static bool WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> text)
    {
        if (!Utf8.IsValid(text)) return false;
        json.WriteStringValue(text);
        return true;
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
