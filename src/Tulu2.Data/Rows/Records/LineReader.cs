namespace Tulu2.Data.Rows.Records;

/// <summary>What ended a line.</summary>
internal enum LineEnd
{
    /// <summary>There is no further line.</summary>
    None,
    Feed,
    /// <summary>The end of the file: the line may be incomplete.</summary>
    File,
    /// <summary>It has more bytes than a record may have; skipped.</summary>
    TooLong,
}

/// <summary>
/// Lines of a stream as bytes, without their line feed and without a byte order mark. Each byte is looked at once; memory grows with the longest line, up to
/// <paramref name="most"/> bytes.
/// </summary>
internal sealed class LineReader(Stream stream, int most)
{
    private byte[] buffer = new byte[1 << 16];
    private int start;
    private int end;
    private bool first = true;
    private bool ended;

    /// <param name="line">Valid until the next call.</param>
    public LineEnd Read(out ReadOnlyMemory<byte> line)
    {
        var searched = start;
        var tooLong = false;
        line = default;
        while (true)
        {
            var feed = buffer.AsSpan(searched, end - searched).IndexOf((byte)'\n');
            var stop = feed < 0 ? end : searched + feed;
            tooLong |= stop - start > most;
            if (feed >= 0)
            {
                line = Take(stop, 1);
                return Ended(LineEnd.Feed);
            }
            if (ended)
            {
                var any = tooLong || start < end;
                line = Take(end, 0);
                return any ? Ended(LineEnd.File) : LineEnd.None;
            }
            if (tooLong) start = end;
            searched = end;
            if (end == buffer.Length) searched = MakeRoom();
            var count = stream.Read(buffer, end, buffer.Length - end);
            end += count;
            ended = count == 0;
        }

        LineEnd Ended(LineEnd how) => tooLong ? LineEnd.TooLong : how;
    }

    private ReadOnlyMemory<byte> Take(int stop, int skip)
    {
        var line = buffer.AsMemory(start, stop - start);
        start = stop + skip;
        if (first && line.Span.StartsWith("\uFEFF"u8)) line = line[3..];
        first = false;
        return line;
    }

    private int MakeRoom()
    {
        var kept = end - start;
        var target = kept > buffer.Length / 2 ? new byte[checked(buffer.Length * 2)] : buffer;
        Buffer.BlockCopy(buffer, start, target, 0, kept);
        (buffer, start, end) = (target, 0, kept);
        return end;
    }
}
