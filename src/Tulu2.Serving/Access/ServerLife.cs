using Tulu2.Serving.Errors;

namespace Tulu2.Serving.Access;

/// <summary>Whether the server still takes requests.</summary>
internal sealed class ServerLife : IDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private volatile bool _stopping;

    /// <summary>Requests in progress may end, new ones are refused.</summary>
    public bool IsStopping => _stopping;

    /// <summary>Cancelled when requests in progress have to end as well.</summary>
    public CancellationToken Ended => _ended.Token;

    public void Stop() => _stopping = true;

    public Task EndAsync() => _ended.CancelAsync();

    /// <summary>The error that a client sees; a request that was cancelled at the server's end says so.</summary>
    public ApiException Describe(Exception error) =>
        error is OperationCanceledException && Ended.IsCancellationRequested ? ApiException.Stopping() : ApiException.Of(error);

    public void Dispose() => _ended.Dispose();
}
