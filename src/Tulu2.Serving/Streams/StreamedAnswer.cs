using Microsoft.AspNetCore.Http;
using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Errors;
using Tulu2.Serving.Measurements;
using Tulu2.Serving.Settings;

namespace Tulu2.Serving.Streams;

/// <summary>Makes the chunks of an answer.</summary>
internal interface IChunks
{
    /// <summary>Those that a token causes.</summary>
    IEnumerable<object> Of(int prompt, EngineToken token);

    /// <summary>Those after all tokens.</summary>
    IEnumerable<object> Last(IReadOnlyList<EngineResult> results);
}

/// <summary>Streams an answer while it is generated.</summary>
/// <param name="describe">The error that the client sees where something fails on the way.</param>
internal sealed class StreamedAnswer(HttpContext context, ServerSettings settings, ServerMetrics metrics, Func<Exception, ApiException> describe)
{
    private readonly EventStream _events = new(context, settings.MaxStall);

    /// <param name="run">Runs the engine; is given what takes its tokens.</param>
    /// <exception cref="Exception">What failed before the first token, so that the response is an error.</exception>
    public async Task RunAsync(
        Func<Action<int, EngineToken>, CancellationToken, Task<IReadOnlyList<EngineResult>>> run, IChunks chunks, CancellationToken cancellation)
    {
        var feed = new TokenFeed(settings.StreamBuffer);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var results = FillAsync(feed, run, ending.Token);
        try
        {
            // Until there is a token, the request can still be refused.
            var more = await feed.Reader.WaitToReadAsync(cancellation);
            _events.Start();
            while (more)
            {
                while (feed.Reader.TryRead(out var next)) AddAll(chunks.Of(next.Prompt, next.Token));
                await _events.FlushAsync(cancellation);
                more = await feed.Reader.WaitToReadAsync(cancellation);
            }
            AddAll(chunks.Last(await results));
            _events.AddDone();
            await _events.FlushAsync(cancellation);
        }
        catch (SlowReaderException)
        {
            metrics.StreamDropped();
            context.Abort();
        }
        catch (Exception error) when (context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            await TellAsync(describe(error));
        }
        finally
        {
            // Frees the engine's room at once, whatever ended the stream.
            await ending.CancelAsync();
            await results.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    // As the last event: the client must not take what it has for a whole answer.
    private async Task TellAsync(ApiException error)
    {
        try
        {
            _events.Add(ErrorResponse.Of(error));
            await _events.FlushAsync(context.RequestAborted);
        }
        catch (SlowReaderException)
        {
            context.Abort();
        }
    }

    private static async Task<IReadOnlyList<EngineResult>> FillAsync(
        TokenFeed feed, Func<Action<int, EngineToken>, CancellationToken, Task<IReadOnlyList<EngineResult>>> run, CancellationToken cancellation)
    {
        try
        {
            var results = await run(feed.Add, cancellation);
            feed.Complete(null);
            return results;
        }
        catch (Exception error)
        {
            feed.Complete(error);
            throw;
        }
    }

    private void AddAll(IEnumerable<object> chunks)
    {
        foreach (var chunk in chunks) _events.Add(chunk);
    }
}
