using Tulu2.Files;

namespace Tulu2.Evaluation.Shards;

/// <summary>What the process of a shard has said so far, for those who wait for it.</summary>
internal sealed class ShardSigns
{
    private readonly TaskCompletionSource<string> _endpoint = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <inheritdoc cref="IShard.Endpoint"/>
    public Task<string> Endpoint => _endpoint.Task;

    /// <inheritdoc cref="IShard.Loaded"/>
    public Task Loaded => _loaded.Task;

    /// <inheritdoc cref="IShard.Gone"/>
    public Task<string> Gone => _gone.Task;

    /// <returns>Why the process ends; null: it goes on.</returns>
    public Exception? Take(ShardReply? reply)
    {
        switch (reply)
        {
            case ShardReply.Ready ready:
                _endpoint.TrySetResult(ready.Endpoint);
                return null;
            case ShardReply.Loaded:
                _loaded.TrySetResult();
                return null;
            case ShardReply.Failed { Failure: var failure }:
                return failure.ToException();
            default:
                return null;
        }
    }

    /// <summary>The process is gone.</summary>
    public void Fail(Exception fault)
    {
        var why = FaultText.Of(fault);
        _endpoint.TrySetException(fault);
        _loaded.TrySetException(fault);
        End(why);
    }

    /// <summary>It is gone, as was asked for.</summary>
    public void End(string why) => _gone.TrySetResult(why);
}
