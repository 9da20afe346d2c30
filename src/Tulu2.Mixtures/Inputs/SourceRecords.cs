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
            var (isWanted, fault) = Judge(source, record);
            if (fault is not null) yield return new SourceRecord(record.Line, default, fault);
            else if (isWanted) yield return new SourceRecord(record.Line, record.Element, null);
        }
    }

    private static (bool IsWanted, string? Fault) Judge(SourceRecipe source, RawRecord record)
    {
        if (record.Fault is not null) return (false, record.Fault);
        if (record.Element.ValueKind != JsonValueKind.Object) return (false, $"the record is {JsonFields.Describe(record.Element)}, not an object");
        try
        {
            return (source.Conversion.Wants(record.Element), null);
        }
        catch (InvalidOperationException)
        {
            return (false, JsonFields.InvalidText);
        }
    }
}
