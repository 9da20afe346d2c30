using System.Text.Json;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;
using Tulu2.Mixtures.Recipes;

namespace Tulu2.Mixtures.Inputs;

/// <summary>One record of a source's file; its element is valid only until the next one is read. Or, with a fault, what stands there in place of one.</summary>
internal readonly record struct SourceRecord(long Line, JsonElement Element, string? Fault);

/// <summary>Reads the records of a source that belong to it, file by file, with what is no record.</summary>
internal static class SourceRecords
{
    /// <exception cref="BadInputException">The file is damaged: a mixture of a part of it would be another one.</exception>
    public static IEnumerable<SourceRecord> Of(SourceRecipe source, RecordFile file)
    {
        var columns = new RecordColumns(source.Keys, $"the converter {source.Converter} reads {string.Join(", ", source.Keys)}");
        foreach (var record in RecordReader.Open(file, columns))
        {
            if (record.Damage) throw new BadInputException($"{file.Path}:{record.Line}", record.Fault!, "fetch or write the file again");
            if (Fault(source, record) is { } fault) yield return new SourceRecord(record.Line, default, fault);
            else if (source.Conversion.Wants(record.Element)) yield return new SourceRecord(record.Line, record.Element, null);
        }
    }

    private static string? Fault(SourceRecipe source, RawRecord record)
    {
        if (record.Fault is not null) return record.Fault;
        if (record.Element.ValueKind != JsonValueKind.Object) return $"the record is {JsonFields.Describe(record.Element)}, not an object";
        try
        {
            _ = source.Conversion.Wants(record.Element);
            return null;
        }
        catch (InvalidOperationException)
        {
            return InvalidText;
        }
    }

    /// <summary>Only the transcoding of strings throws in a conversion: half a surrogate pair, or bytes that are not UTF-8.</summary>
    public const string InvalidText = "the text is not valid Unicode (a lone surrogate, or bytes that are not UTF-8)";
}
