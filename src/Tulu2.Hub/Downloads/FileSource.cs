using Tulu2.Hub.Http;
using Tulu2.Hub.References;
using Tulu2.Hub.Settings;

namespace Tulu2.Hub.Downloads;

/// <summary>The server does not give parts of the file.</summary>
internal sealed class NoRangesException() : Exception("the server gives no parts of files");

/// <summary>A file on the hub: gives pieces of it, and goes on where a connection broke.</summary>
/// <param name="atHub">Where the hub has it.</param>
internal sealed class FileSource(HubHttp http, HubReference reference, FileFacts facts, Uri atHub, HubSettings settings, HubTiming timing, Action<string> say)
{
    private const int ReadBytes = 1 << 17;

    // Where the hub led to: asked directly until it no longer answers. Pieces are fetched side by side; which of their answers is kept does not matter.
    private Uri? _led;

    public FileFacts Facts => facts;

    /// <summary>Reads a piece. Whatever the connection does, <paramref name="take"/> gets the piece's bytes once and in order.</summary>
    /// <param name="isWhole">The server gives no parts: all is read from the beginning, and what stands before the piece is passed over.</param>
    /// <exception cref="NoRangesException">The server gives no parts, which was not known yet.</exception>
    /// <exception cref="HubException">It was tried too often.</exception>
    /// <exception cref="Files.BadInputException">The hub refuses.</exception>
    public async Task ReadAsync(Piece piece, bool isWhole, Func<ReadOnlyMemory<byte>, ValueTask> take, CancellationToken cancellation)
    {
        var retries = new Retries(reference.TextOf(facts.Path), timing, say);
        var at = piece.From;
        while (at < piece.To)
        {
            var before = at;
            var (why, asked, fault) = await TryAsync(piece with { From = at }, isWhole, async bytes =>
            {
                at += bytes.Length;
                await take(bytes);
            }, cancellation);
            if (at > before) retries.Progress();
            if (at < piece.To) await retries.AgainAsync(why, asked, fault, cancellation);
        }
    }

    // One request. What went wrong, if the piece is not whole then.
    private async Task<(string Why, TimeSpan? Asked, Exception? Fault)> TryAsync(
        Piece rest, bool isWhole, Func<ReadOnlyMemory<byte>, ValueTask> take, CancellationToken cancellation)
    {
        var address = _led ?? atHub;
        HttpResponseMessage response;
        try
        {
            response = await http.SendAsync(HttpMethod.Get, address, isWhole ? null : PiecePlan.RangeOf(rest, facts.Size), null, cancellation);
        }
        catch (Exception broken) when (NetworkFault.Of(broken) is { } words)
        {
            _led = null;
            return ($"{address.Authority}: {words}", null, broken);
        }
        using (response)
        {
            var answer = http.Read(response);
            var from = response.RequestMessage!.RequestUri!;
            switch (RetryRule.Judge(answer))
            {
                case Verdict.Refuse:
                    throw Refusal.Of(answer, reference, facts.Path, settings);
                case not Verdict.Take:
                    if (RetryRule.Judge(answer) == Verdict.AgainFromHub) _led = null;
                    return ($"{from.Authority} answers {answer.Status}", answer.Wait, null);
            }
            if (StartOf(response, rest, isWhole) is not { } start) return ($"{from.Authority} gives other bytes than were asked for", null, null);
            _led = http.IsHub(from) ? null : from;
            return await PassAsync(response, rest, start, take, cancellation);
        }
    }

    // Where the content of an answer begins in the file. Null: nowhere that could be used.
    private long? StartOf(HttpResponseMessage response, Piece rest, bool isWhole)
    {
        if (response.Content.Headers.ContentEncoding.Any(encoding => encoding != "identity")) return null;
        if ((int)response.StatusCode == 200)
        {
            if (response.Content.Headers.ContentLength is { } length && length != facts.Size) return null;
            return isWhole || PiecePlan.RangeOf(rest, facts.Size) is null ? 0 : throw new NoRangesException();
        }
        return NetworkFault.RangeOf(response.Content.Headers.ContentRange) is var (from, to, size)
            && !isWhole && from == rest.From && to <= rest.To && (size ?? facts.Size) == facts.Size ? from : null;
    }

    private async Task<(string Why, TimeSpan? Asked, Exception? Fault)> PassAsync(
        HttpResponseMessage response, Piece rest, long at, Func<ReadOnlyMemory<byte>, ValueTask> take, CancellationToken cancellation)
    {
        var buffer = new byte[(int)Math.Min(ReadBytes, Math.Max(1, rest.To - at))];
        var host = response.RequestMessage!.RequestUri!.Authority;
        Stream? content = null;
        try
        {
            while (at < rest.To)
            {
                int count;
                try
                {
                    content ??= await response.Content.ReadAsStreamAsync(cancellation);
                    count = await http.ReadAsync(content, buffer.AsMemory(0, (int)Math.Min(buffer.Length, rest.To - at)), cancellation);
                }
                catch (Exception broken) when (NetworkFault.Of(broken) is { } words)
                {
                    return ($"{host}: {words}", null, broken);
                }
                if (count == 0) break;
                var skipped = (int)Math.Clamp(rest.From - at, 0, count);
                at += count;
                // Not under the catch above: a fault of the disk is none of the connection.
                if (count > skipped) await take(buffer.AsMemory(skipped, count - skipped));
            }
        }
        finally
        {
            if (content is not null) await content.DisposeAsync();
        }
        return ($"{host}: the connection broke off", null, null);
    }
}
