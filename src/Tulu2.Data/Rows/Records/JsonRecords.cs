using System.Text.Unicode;

namespace Tulu2.Data.Rows.Records;

/// <summary>Records of JSON Lines files and of JSON arrays.</summary>
internal static class JsonRecords
{
    /// <summary>Most bytes of a record: far more than any training text has, far less than a machine's memory.</summary>
    public const int MostBytes = 16 << 20;

    /// <summary>The fault of a line without a record.</summary>
    public const string EmptyLine = "the line is empty";

    /// <summary>One record a line. A broken line is one fault; if it is the last and no line feed ends it, the file breaks off there.</summary>
    public static IEnumerable<RawRecord> ReadLines(RecordFile file)
    {
        using var stream = file.Open();
        var reader = new LineReader(stream, MostBytes);
        long line = 0, firstBlank = 0, blanks = 0, records = 0;
        while (true)
        {
            var end = reader.Read(out var bytes);
            line++;
            // In a damaged file only lines with a line feed are known to be complete.
            if (end == LineEnd.None || end == LineEnd.File && file.Damage is not null) break;
            if (end != LineEnd.TooLong && bytes.Span.Trim(" \t\r"u8).IsEmpty)
            {
                if (blanks++ == 0) firstBlank = line;
                continue;
            }
            // Blank lines at the end of a file are common; between records they may be a lost record.
            for (; blanks > 0; blanks--) yield return RawRecord.Bad(firstBlank++, EmptyLine);
            if (end == LineEnd.TooLong)
            {
                yield return RawRecord.Bad(line, TooLong("line"));
                continue;
            }
            var (document, fault) = JsonText.Parse(bytes);
            if (document is null)
            {
                if (end == LineEnd.File && JsonText.IsCut(bytes.Span))
                {
                    yield return RawRecord.Damaged(line, "the file breaks off inside this line: its JSON is not whole and no line feed ends it", records);
                    yield break;
                }
                yield return RawRecord.Bad(line, fault!);
                continue;
            }
            records++;
            using (document) yield return new RawRecord(line, document.RootElement, null) { Text = bytes };
        }
        if (file.Damage is not null) yield return RawRecord.Damaged(line, file.Damage, records);
    }

    /// <summary>The elements of one top-level array, numbered from 1. The first broken one ends the file, since the start of the next is unknown.</summary>
    public static IEnumerable<RawRecord> ReadArray(RecordFile file)
    {
        using var stream = file.Open();
        var reader = new ArrayReader(stream, MostBytes);
        long records = 0;
        for (long number = 1; ; number++)
        {
            string damage;
            switch (reader.Read(out var bytes))
            {
                case ArrayPart.Element:
                    var (document, fault) = JsonText.Parse(bytes);
                    if (document is not null)
                    {
                        records++;
                        using (document) yield return new RawRecord(number, document.RootElement, null) { Text = bytes };
                        continue;
                    }
                    damage = $"{fault}; what follows in this array cannot be read";
                    break;
                case ArrayPart.TooLong:
                    yield return RawRecord.Bad(number, TooLong("element"));
                    continue;
                case ArrayPart.BreaksOff:
                    damage = file.Damage ?? "the file breaks off: no ] ends its array";
                    break;
                case ArrayPart.MoreBehind:
                    damage = "something follows the end of the array";
                    break;
                default:
                    if (file.Damage is null) yield break;
                    damage = file.Damage;
                    break;
            }
            yield return RawRecord.Damaged(number, damage, records);
            yield break;
        }
    }

    /// <summary>Whether every complete line (or element) after the checksummed bytes is JSON.</summary>
    public static bool IsAllJson(RecordFile file, bool array)
    {
        using var stream = file.Open();
        var (lines, elements) = (new LineReader(stream, MostBytes), new ArrayReader(stream, MostBytes));
        long position = 0;
        while (true)
        {
            ReadOnlyMemory<byte> bytes;
            if (array)
            {
                var part = elements.Read(out bytes);
                if (part != ArrayPart.Element) return part is ArrayPart.End or ArrayPart.BreaksOff;
            }
            else
            {
                var end = lines.Read(out bytes);
                if (end != LineEnd.Feed) return end != LineEnd.TooLong;
            }
            position += bytes.Length + 1;
            if (position <= file.Verified || bytes.Span.Trim(" \t\r"u8).IsEmpty) continue;
            // Parsing does not look at the bytes of strings.
            if (!Utf8.IsValid(bytes.Span)) return false;
            var (document, _) = JsonText.Parse(bytes);
            if (document is null) return false;
            document.Dispose();
        }
    }

    private static string TooLong(string what) => $"the {what} has more than {MostBytes:N0} bytes, the most that a row may have";
}
