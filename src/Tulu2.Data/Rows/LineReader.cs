namespace Tulu2.Data.Rows;

/// <summary>Lines of a stream as bytes, without their line feed and without a byte order mark. A returned line is valid until the next call.</summary>
internal sealed class LineReader(Stream stream)
{
    private byte[] buffer = new byte[1 << 16];
    private int start;
    private int end;
    private bool first = true;
    private bool ended;

    /// <exception cref="InvalidDataException">The compressed data behind the stream is damaged.</exception>
    public bool TryRead(out ReadOnlyMemory<byte> line)
    {
        var searched = start;
        while (true)
        {
            var feed = buffer.AsSpan(searched, end - searched).IndexOf((byte)'\n');
            if (feed >= 0)
            {
                line = Take(searched + feed, 1);
                return true;
            }
            searched = end;
            if (ended)
            {
                line = start < end ? Take(end, 0) : default;
                return !line.IsEmpty;
            }
            if (end == buffer.Length) searched = MakeRoom();
            var count = stream.Read(buffer, end, buffer.Length - end);
            end += count;
            ended = count == 0;
        }
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
