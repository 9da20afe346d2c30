using System.Text.Json;

namespace Tulu2.Data.Rows;

/// <summary>Records of JSON Lines files and of JSON arrays.</summary>
internal static class JsonRecords
{
    /// <summary>
    /// One record a line. A broken line costs itself only; damaged compression costs the rest of the file, and both are said with their line.
    /// </summary>
    public static IEnumerable<SourceRecord> ReadLines(string path, bool zipped)
    {
        using var stream = RecordSource.OpenStream(path, zipped);
        var reader = new LineReader(stream);
        long line = 0;
        long firstBlank = 0, blanks = 0;
        while (true)
        {
            ReadOnlyMemory<byte> bytes;
            string? damage = null;
            try
            {
                if (!reader.TryRead(out bytes)) break;
            }
            catch (Exception failure) when (failure is InvalidDataException or EndOfStreamException)
            {
                bytes = default;
                damage = zipped
                    ? "the gzip data is damaged or breaks off here; what follows cannot be read"
                    : $"the file cannot be read further ({failure.Message})";
            }
            line++;
            if (damage is not null)
            {
                yield return new SourceRecord(line, default, damage);
                yield break;
            }
            if (bytes.Span.Trim(" \t\r"u8).IsEmpty)
            {
                if (blanks++ == 0) firstBlank = line;
                continue;
            }
            // Blank lines at the very end are how files end; between rows they may be a lost row.
            for (; blanks > 0; blanks--) yield return new SourceRecord(firstBlank++, default, "the line is empty");
            var (document, fault) = Parse(bytes);
            if (document is null)
            {
                yield return new SourceRecord(line, default, fault);
                continue;
            }
            using (document) yield return new SourceRecord(line, document.RootElement, null);
        }
    }

    /// <summary>The elements of one top-level array, numbered from 1. The first broken one ends the file: where the next begins is not known.</summary>
    public static IEnumerable<SourceRecord> ReadArray(string path, bool zipped)
    {
        using var stream = RecordSource.OpenStream(path, zipped);
        var elements = JsonSerializer.DeserializeAsyncEnumerable<JsonElement>(stream).GetAsyncEnumerator();
        long number = 0;
        try
        {
            while (true)
            {
                number++;
                string? fault = null;
                try
                {
                    // A file has no synchronisation context, so that waiting here cannot deadlock.
                    if (!elements.MoveNextAsync().AsTask().GetAwaiter().GetResult()) break;
                }
                catch (JsonException failure)
                {
                    fault = $"broken JSON ({Shorten(failure.Message)}); what follows cannot be read";
                }
                catch (Exception failure) when (failure is InvalidDataException or EndOfStreamException)
                {
                    fault = "the gzip data is damaged or breaks off here; what follows cannot be read";
                }
                if (fault is not null)
                {
                    yield return new SourceRecord(number, default, fault);
                    yield break;
                }
                yield return new SourceRecord(number, elements.Current, null);
            }
        }
        finally
        {
            elements.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static (JsonDocument? Document, string? Fault) Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            return (JsonDocument.Parse(line), null);
        }
        catch (JsonException failure)
        {
            return (null, $"broken JSON ({Shorten(failure.Message)})");
        }
    }

    // "... LineNumber: 0 | BytePositionInLine: 17." tells the line within one line, which misleads beside the file's own line.
    private static string Shorten(string message)
    {
        var cut = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var text = cut < 0 ? message : message[..cut];
        cut = text.IndexOf(" Path:", StringComparison.Ordinal);
        return (cut < 0 ? text : text[..cut]).TrimEnd('.', ' ');
    }
}
