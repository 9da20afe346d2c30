using System.Buffers;

namespace Tulu2.Hub.Downloads;

/// <summary>
/// Fills a blob's unfinished file from its source. Pieces are fetched side by side and written in order, so that the file is at every moment the beginning of
/// the content: a killed fetch, of this program or another, goes on at the file's end.
/// </summary>
internal sealed class BlobWriter(FileSource source, PieceSlots slots, int pieceBytes, Action<long> progress)
{
    private readonly Queue<Task<byte[]>> _underWay = new();
    private readonly Queue<Piece> _pieces = new();
    private bool _givesNoParts;

    /// <summary>Brings the file to its full length, and gives the check all of its bytes.</summary>
    /// <param name="file">Its bytes so far are taken for the content's first ones.</param>
    public async Task FillAsync(FileStream file, ContentCheck check, CancellationToken cancellation)
    {
        var size = source.Facts.Size;
        if (file.Length > size) file.SetLength(0);
        await ReadAgainAsync(file, check, cancellation);
        if (!_givesNoParts)
        {
            try
            {
                await FillByPiecesAsync(file, check, cancellation);
                return;
            }
            catch (NoRangesException)
            {
                _givesNoParts = true;
            }
        }
        await slots.TakeAsync(cancellation);
        try
        {
            await source.ReadAsync(new Piece(file.Length, size), isWhole: true, bytes => WriteAsync(file, check, bytes, cancellation), cancellation);
        }
        finally
        {
            slots.GiveBack();
        }
    }

    private async Task FillByPiecesAsync(FileStream file, ContentCheck check, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            foreach (var piece in PiecePlan.Of(file.Length, source.Facts.Size, pieceBytes))
            {
                while (_underWay.Count > 0 && !slots.TryTake())
                    await WriteNextAsync(file, check, stop.Token);
                if (_underWay.Count == 0) await slots.TakeAsync(stop.Token);
                Begin(piece, stop.Token);
            }
            while (_underWay.Count > 0) await WriteNextAsync(file, check, stop.Token);
        }
        finally
        {
            await stop.CancelAsync();
            while (_underWay.TryDequeue(out var piece)) await DropAsync(piece);
            _pieces.Clear();
        }
    }

    private void Begin(Piece piece, CancellationToken cancellation)
    {
        _pieces.Enqueue(piece);
        _underWay.Enqueue(ReadPieceAsync(piece, cancellation));
    }

    private async Task<byte[]> ReadPieceAsync(Piece piece, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(piece.Length);
        var at = 0;
        try
        {
            await source.ReadAsync(piece, isWhole: false, bytes =>
            {
                bytes.Span.CopyTo(buffer.AsSpan(at));
                at += bytes.Length;
                progress(bytes.Length);
                return ValueTask.CompletedTask;
            }, cancellation);
            return buffer;
        }
        catch
        {
            progress(-at);
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private async Task WriteNextAsync(FileStream file, ContentCheck check, CancellationToken cancellation)
    {
        // It leaves the queue only once it is here: what fails before that is dropped with the others.
        var buffer = await _underWay.Peek();
        _ = _underWay.Dequeue();
        try
        {
            var bytes = buffer.AsMemory(0, _pieces.Dequeue().Length);
            check.Append(bytes.Span);
            await AppendAsync(file, bytes, cancellation);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            slots.GiveBack();
        }
    }

    private async Task DropAsync(Task<byte[]> piece)
    {
        try
        {
            ArrayPool<byte>.Shared.Return(await piece);
        }
        catch (Exception)
        {
            // The first fault is on its way to the caller; this one is its consequence, or says the same.
        }
        slots.GiveBack();
    }

    private async ValueTask WriteAsync(FileStream file, ContentCheck check, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        check.Append(bytes.Span);
        progress(bytes.Length);
        await AppendAsync(file, bytes, cancellation);
    }

    private static async Task AppendAsync(FileStream file, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        file.Seek(0, SeekOrigin.End);
        await file.WriteAsync(bytes, cancellation);
    }

    // What an earlier fetch has left counts for the check like what comes now.
    private async Task ReadAgainAsync(FileStream file, ContentCheck check, CancellationToken cancellation)
    {
        file.Seek(0, SeekOrigin.Begin);
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 20);
        try
        {
            while (await file.ReadAsync(buffer, cancellation) is > 0 and var count)
            {
                check.Append(buffer.AsSpan(0, count));
                progress(count);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
