using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Tulu2.Serving.Json;

namespace Tulu2.Serving.Streams;

/// <summary>A response of server-sent events, each an object, with <c>[DONE]</c> at the end.</summary>
/// <param name="maxStall">A client that takes nothing for so long is dropped.</param>
internal sealed class EventStream(HttpContext context, TimeSpan maxStall)
{
    private readonly PipeWriter _body = context.Response.BodyWriter;

    public void Start()
    {
        var response = context.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        // Reverse proxies would collect the stream.
        response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>Puts an event into the response's buffer.</summary>
    public void Add<T>(T value)
    {
        _body.Write("data: "u8);
        using (var json = new Utf8JsonWriter((IBufferWriter<byte>)_body, new JsonWriterOptions { Encoder = ApiJson.Options.Encoder }))
            JsonSerializer.Serialize(json, value, ApiJson.Options);
        _body.Write("\n\n"u8);
    }

    public void AddDone() => _body.Write("data: [DONE]\n\n"u8);

    /// <summary>Sends what is in the buffer; waits while the client does not take it.</summary>
    /// <exception cref="SlowReaderException">The client has taken nothing for too long.</exception>
    /// <exception cref="OperationCanceledException">The client went away, or the request was cancelled.</exception>
    public async Task FlushAsync(CancellationToken cancellation)
    {
        var flush = _body.FlushAsync(cancellation);
        if (flush.IsCompletedSuccessfully)
        {
            Check(flush.Result);
            return;
        }
        try
        {
            Check(await flush.AsTask().WaitAsync(maxStall, cancellation));
        }
        catch (TimeoutException)
        {
            throw new SlowReaderException("the client takes nothing");
        }
    }

    private void Check(FlushResult result)
    {
        if (result.IsCompleted || result.IsCanceled) throw new OperationCanceledException(context.RequestAborted);
    }
}
