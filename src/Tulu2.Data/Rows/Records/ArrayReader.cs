namespace Tulu2.Data.Rows.Records;

/// <summary>What came next in an array.</summary>
internal enum ArrayPart
{
    /// <summary>The bytes of an element; not checked yet.</summary>
    Element,
    /// <summary>An element with more bytes than a record may have; skipped.</summary>
    TooLong,
    /// <summary>The closing bracket, followed by nothing but white space.</summary>
    End,
    /// <summary>The closing bracket, followed by something other than white space.</summary>
    MoreBehind,
    /// <summary>The file ends before the closing bracket.</summary>
    BreaksOff,
}

/// <summary>
/// Splits a stream with one JSON array into the array's elements. Each byte is looked at once; memory grows with the longest element, up to
/// <paramref name="most"/> bytes.
/// </summary>
internal sealed class ArrayReader(Stream stream, int most)
{
    private byte[] buffer = new byte[1 << 16];
    private int start;
    private int end;
    private bool begun;
    private bool closed;
    private bool any;

    /// <param name="element">Valid until the next call.</param>
    public ArrayPart Read(out ReadOnlyMemory<byte> element)
    {
        element = default;
        if (closed) return OnlySpace() ? ArrayPart.End : ArrayPart.MoreBehind;
        if (!begun && !Begin()) return ArrayPart.BreaksOff;
        var (at, depth, inText, escaped, tooLong) = (start, 0, false, false, false);
        while (true)
        {
            if (at == end)
            {
                tooLong |= end - start > most;
                if (tooLong) start = end;
                if (!Fill(ref at)) return ArrayPart.BreaksOff;
            }
            var one = buffer[at++];
            if (inText)
            {
                // Most of a file is string content: skip to the next byte that can end it.
                if (!escaped && one != '"' && one != '\\')
                {
                    var next = buffer.AsSpan(at, end - at).IndexOfAny((byte)'"', (byte)'\\');
                    at = next < 0 ? end : at + next;
                    continue;
                }
                inText = escaped || one != '"';
                escaped = !escaped && one == '\\';
            }
            else if (one == '"') inText = true;
            else if (one is (byte)'{' or (byte)'[') depth++;
            else if (depth > 0) depth -= one is (byte)'}' or (byte)']' ? 1 : 0;
            else if (one is (byte)',' or (byte)']') return Take(at, one == ']', tooLong || at - 1 - start > most, out element);
        }
    }

    private ArrayPart Take(int at, bool last, bool tooLong, out ReadOnlyMemory<byte> element)
    {
        element = buffer.AsMemory(start, at - 1 - start);
        start = at;
        closed = last;
        if (tooLong)
        {
            any = true;
            return ArrayPart.TooLong;
        }
        if (last && !any && element.Span.Trim(" \t\r\n"u8).IsEmpty) return OnlySpace() ? ArrayPart.End : ArrayPart.MoreBehind;
        any = true;
        return ArrayPart.Element;
    }

    private bool Begin()
    {
        begun = true;
        for (var at = start; at < end || Fill(ref at); at++)
        {
            if (buffer[at] != '[') continue;
            start = at + 1;
            return true;
        }
        return false;
    }

    private bool OnlySpace()
    {
        do
        {
            if (!buffer.AsSpan(start, end - start).Trim(" \t\r\n"u8).IsEmpty) return false;
            start = end;
        }
        while (Fill(ref start));
        return true;
    }

    private bool Fill(ref int at)
    {
        if (end == buffer.Length)
        {
            var kept = end - start;
            var target = kept > buffer.Length / 2 ? new byte[checked(buffer.Length * 2)] : buffer;
            Buffer.BlockCopy(buffer, start, target, 0, kept);
            (buffer, at, start, end) = (target, at - start, 0, kept);
        }
        var count = stream.Read(buffer, end, buffer.Length - end);
        end += count;
        return count > 0;
    }
}
