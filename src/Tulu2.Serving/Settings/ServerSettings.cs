using System.Net;

namespace Tulu2.Serving.Settings;

/// <summary>Where a server listens, and its limits.</summary>
public sealed record ServerSettings
{
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>0: a free one.</summary>
    public int Port { get; init; } = 8000;

    /// <summary>Keys that clients have to show; empty: anyone may use the server.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>Largest body of a request, in bytes.</summary>
    public int MaxBody { get; init; } = 4 << 20;

    /// <summary>Requests that are answered at a time, those that wait for the engine included; one more is refused.</summary>
    public int MaxRequests { get; init; } = 256;

    /// <summary>Prompts of a request, at most.</summary>
    public int MaxPrompts { get; init; } = 1024;

    /// <summary>Prompts of one request that are given to the engine at a time: one request must not fill its queue.</summary>
    public int PromptsAtATime { get; init; } = 16;

    /// <summary>Samples of a prompt, at most (<c>n</c>, <c>best_of</c>).</summary>
    public int MaxSamples { get; init; } = 128;

    /// <summary>Samples of all prompts of a request, at most: they are in memory until the last one is there.</summary>
    public int MaxAnswers { get; init; } = 4096;

    /// <summary>Tokens that are kept for a client which reads a stream more slowly than they are generated; with one more it is dropped.</summary>
    public int StreamBuffer { get; init; } = 8192;

    /// <summary>A client that takes nothing of a stream for so long is dropped.</summary>
    public TimeSpan MaxStall { get; init; } = TimeSpan.FromSeconds(30);
}
