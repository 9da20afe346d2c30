namespace Tulu2.Data.Rows.Records;

/// <summary>A file's packed bytes, one at a time or in chunks whose unused end can be given back.</summary>
internal sealed class GzipInput(Stream file)
{
    private readonly byte[] buffer = new byte[1 << 16];
    private long before;
    private int start;
    private int end;

    /// <summary>Bytes of the file taken so far.</summary>
    public long Position => before + start;

    public bool TryNext(out byte next)
    {
        next = 0;
        if (start == end && !Fill()) return false;
        next = buffer[start++];
        return true;
    }

    /// <summary>All buffered bytes; valid until the next call.</summary>
    public bool TryTake(out ArraySegment<byte> chunk)
    {
        chunk = default;
        if (start == end && !Fill()) return false;
        chunk = new ArraySegment<byte>(buffer, start, end - start);
        start = end;
        return true;
    }

    /// <summary>Gives back the last <paramref name="count"/> bytes of the last chunk.</summary>
    public void GiveBack(int count) => start = end - count;

    private bool Fill()
    {
        before += end;
        (start, end) = (0, file.Read(buffer, 0, buffer.Length));
        return end > 0;
    }
}
