using System.Threading.Channels;
using Tulu2.Evaluation.Generation;

namespace Tulu2.Serving.Streams;

/// <summary>The tokens of a request's prompts on their way from the engine's thread, which never waits for a client, to the response.</summary>
internal sealed class TokenFeed(int capacity)
{
    // The writer never waits: without room, it fails.
    private readonly Channel<(int Prompt, EngineToken Token)> _channel =
        Channel.CreateBounded<(int, EngineToken)>(new BoundedChannelOptions(capacity) { SingleReader = true });

    public ChannelReader<(int Prompt, EngineToken Token)> Reader => _channel.Reader;

    /// <summary>Called on the engine's thread.</summary>
    /// <exception cref="SlowReaderException">The client is too far behind.</exception>
    public void Add(int prompt, EngineToken token)
    {
        if (!_channel.Writer.TryWrite((prompt, token))) throw new SlowReaderException("the client is too many tokens behind");
    }

    /// <param name="error">Null: all tokens have come.</param>
    public void Complete(Exception? error) => _channel.Writer.TryComplete(error);
}
